#include "codewords.h"

#include <string.h>

/* ISO/IEC 18004, table 9: error correction codewords in each block, and how many blocks there are. */
static const uint8_t CORRECTION[4][QR_MAX_VERSION] = {
    {7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28},
    {10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26},
    {13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30},
    {17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28, 22, 24, 24, 30, 28, 28, 26, 28},
};
static const uint8_t BLOCKS[4][QR_MAX_VERSION] = {
    {1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8},
    {1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16},
    {1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20},
    {1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25},
};

/* The largest CORRECTION. */
#define MAX_CORRECTION 30

/* The codewords of both kinds that a version has room for: its modules without the patterns, by eight. */
static size_t total(int version) {
    int modules = (16 * version + 128) * version + 64;
    if (version >= 2) {
        int aligned = version / 7 + 2;
        modules -= (25 * aligned - 10) * aligned - 55;
        if (version >= 7) modules -= 36;
    }
    return (size_t)modules / 8;
}

static size_t data_codewords(int version, enum qr_level level) {
    return total(version) - (size_t)CORRECTION[level][version - 1] * BLOCKS[level][version - 1];
}

/* The header is four bits for the mode and the length's 8 or 16. */
size_t codewords_room(int version, enum qr_level level) {
    return data_codewords(version, level) - (version < 10 ? 2 : 3);
}

struct bits {
    uint8_t *bytes;
    size_t count;
};

static void add_bits(struct bits *bits, unsigned value, int count) {
    for (int i = count - 1; i >= 0; i--, bits->count++) {
        bits->bytes[bits->count / 8] |= (uint8_t)((value >> i & 1) << (7 - bits->count % 8));
    }
}

static void add_data(const uint8_t *bytes, size_t size, int version, size_t room, uint8_t *data) {
    struct bits bits = {data, 0};
    memset(data, 0, room);
    add_bits(&bits, 4, 4); /* bytes */
    add_bits(&bits, (unsigned)size, version < 10 ? 8 : 16);
    for (size_t i = 0; i < size; i++) add_bits(&bits, bytes[i], 8);
    /* The four zero bits that end it fill the last byte; then 0xEC and 0x11 in turn. */
    size_t used = (bits.count + 4) / 8;
    for (size_t i = used; i < room; i++) data[i] = (i - used) % 2 == 0 ? 0xEC : 0x11;
}

/* The product of two elements of the field of 256 that QR codes reckon in. */
static uint8_t multiply(uint8_t a, uint8_t b) {
    unsigned product = 0;
    for (int i = 7; i >= 0; i--) {
        product = product << 1 ^ (product >> 7) * 0x11D;
        product ^= (b >> i & 1u) * a;
    }
    return (uint8_t)product;
}

/* The polynomial whose roots are the first `degree` powers of 2, without its first coefficient, which is 1. */
static void generator(size_t degree, uint8_t *polynomial) {
    uint8_t root = 1;
    memset(polynomial, 0, degree);
    polynomial[degree - 1] = 1;
    for (size_t i = 0; i < degree; i++, root = multiply(root, 2)) {
        for (size_t j = 0; j < degree; j++) {
            polynomial[j] = multiply(polynomial[j], root);
            if (j + 1 < degree) polynomial[j] ^= polynomial[j + 1];
        }
    }
}

/* What remains of the data divided by the generator. */
static void correct(const uint8_t *data, size_t size, const uint8_t *polynomial, size_t degree, uint8_t *rest) {
    memset(rest, 0, degree);
    for (size_t i = 0; i < size; i++) {
        uint8_t factor = data[i] ^ rest[0];
        memmove(rest, rest + 1, degree - 1);
        rest[degree - 1] = 0;
        for (size_t j = 0; j < degree; j++) rest[j] ^= multiply(polynomial[j], factor);
    }
}

/*
 * The data is cut into blocks, the later of which may be one codeword longer. Of all blocks the first codewords come
 * first, then the second ones, and so on; then what corrects them, in the same way.
 */
size_t codewords_make(const uint8_t *bytes, size_t size, int version, enum qr_level level, uint8_t *codewords) {
    uint8_t data[MAX_CODEWORDS], polynomial[MAX_CORRECTION], rest[MAX_CORRECTION];
    size_t room = data_codewords(version, level), blocks = BLOCKS[level][version - 1];
    size_t degree = CORRECTION[level][version - 1], shortest = room / blocks, longer = room % blocks;
    add_data(bytes, size, version, room, data);
    generator(degree, polynomial);
    const uint8_t *at = data;
    for (size_t block = 0; block < blocks; block++) {
        bool is_longer = block >= blocks - longer;
        size_t length = shortest + is_longer;
        correct(at, length, polynomial, degree, rest);
        for (size_t i = 0; i < shortest; i++) codewords[i * blocks + block] = at[i];
        if (is_longer) codewords[shortest * blocks + block - (blocks - longer)] = at[shortest];
        for (size_t i = 0; i < degree; i++) codewords[room + i * blocks + block] = rest[i];
        at += length;
    }
    return total(version);
}
