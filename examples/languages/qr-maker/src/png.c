#include "picture.h"

#define BORDER 4
/* What one of deflate's stored blocks holds. */
#define BLOCK_SIZE 65535

static void add_32(airssys_buffer *buffer, uint32_t value) {
    uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    airssys_buffer_add(buffer, bytes, sizeof bytes);
}

static uint32_t crc(const uint8_t *bytes, size_t size) {
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (sum & 1) * 0xEDB88320;
    }
    return ~sum;
}

static uint32_t adler(const uint8_t *bytes, size_t size) {
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* A chunk: the length of its data, its name, the data, and the sum of the two latter. */
static void add_chunk(airssys_buffer *png, const char *name, const void *data, size_t size) {
    add_32(png, (uint32_t)size);
    size_t start = png->size;
    airssys_buffer_add(png, name, 4);
    airssys_buffer_add(png, data, size);
    add_32(png, crc((uint8_t *)png->data + start, png->size - start));
}

/* The rows of the picture, each after its filter (none); a set bit is light. */
static airssys_buffer rows(const struct qr_code *code, int scale) {
    airssys_buffer rows = {0};
    int side = (code->size + 2 * BORDER) * scale;
    size_t stride = 1 + ((size_t)side + 7) / 8;
    for (int y = 0; y < side; y++) {
        uint8_t *row = airssys_alloc(stride);
        for (int x = 0; x < side; x++) {
            int column = x / scale - BORDER, line = y / scale - BORDER;
            bool inside = column >= 0 && column < code->size && line >= 0 && line < code->size;
            if (!inside || !code->dark[line][column]) row[1 + x / 8] |= (uint8_t)(0x80 >> x % 8);
        }
        airssys_buffer_add(&rows, row, stride);
    }
    return rows;
}

/* Bytes as zlib has them, in stored blocks. */
static airssys_buffer stored(const airssys_buffer *bytes) {
    airssys_buffer zlib = {0};
    airssys_buffer_add(&zlib, "\x78\x01", 2);
    for (size_t at = 0; at < bytes->size; at += BLOCK_SIZE) {
        size_t left = bytes->size - at, size = left < BLOCK_SIZE ? left : BLOCK_SIZE;
        uint8_t header[] = {left <= BLOCK_SIZE, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)~size,
                            (uint8_t)(~size >> 8)};
        airssys_buffer_add(&zlib, header, sizeof header);
        airssys_buffer_add(&zlib, bytes->data + at, size);
    }
    add_32(&zlib, adler((uint8_t *)bytes->data, bytes->size));
    return zlib;
}

airssys_bytes picture_png(const struct qr_code *code, int scale) {
    airssys_buffer png = {0}, header = {0}, picture = rows(code, scale), data = stored(&picture);
    uint32_t side = (uint32_t)((code->size + 2 * BORDER) * scale);
    add_32(&header, side);
    add_32(&header, side);
    airssys_buffer_add(&header, "\1\0\0\0\0", 5); /* one bit of grey, and nothing out of the ordinary */
    airssys_buffer_add(&png, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&png, "IHDR", header.data, header.size);
    add_chunk(&png, "IDAT", data.data, data.size);
    add_chunk(&png, "IEND", "", 0);
    return airssys_buffer_bytes(&png);
}
