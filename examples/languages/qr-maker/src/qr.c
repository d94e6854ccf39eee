#include "qr.h"

#include <stdlib.h>
#include <string.h>

#include "codewords.h"

/* A code that is being drawn: which of its modules are patterns, that data and masks leave alone. */
struct drawing {
    struct qr_code *code;
    bool fixed[QR_MAX_SIZE][QR_MAX_SIZE];
};

static void fix(struct drawing *drawing, int x, int y, bool dark) {
    drawing->code->dark[y][x] = dark;
    drawing->fixed[y][x] = true;
}

/* A finder with the light line around it, as far as it is on the code. */
static void draw_finder(struct drawing *drawing, int x, int y) {
    int size = drawing->code->size;
    for (int dy = -4; dy <= 4; dy++) {
        for (int dx = -4; dx <= 4; dx++) {
            int ring = abs(dx) > abs(dy) ? abs(dx) : abs(dy), at_x = x + dx, at_y = y + dy;
            if (at_x < 0 || at_x >= size || at_y < 0 || at_y >= size) continue;
            fix(drawing, at_x, at_y, ring != 2 && ring != 4);
        }
    }
}

static void draw_alignment(struct drawing *drawing, int x, int y) {
    for (int dy = -2; dy <= 2; dy++) {
        for (int dx = -2; dx <= 2; dx++) fix(drawing, x + dx, y + dy, abs(dx) == 2 || abs(dy) == 2 || (dx | dy) == 0);
    }
}

/* Alignment patterns stand on a grid, but for the three corners that finders are in. */
static void draw_alignments(struct drawing *drawing) {
    int version = drawing->code->version, count = version / 7 + 2, places[5];
    if (version == 1) return;
    int step = (version * 4 + count * 2 + 1) / (count * 2 - 2) * 2;
    places[0] = 6;
    for (int i = count - 1, at = drawing->code->size - 7; i > 0; i--, at -= step) places[i] = at;
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            bool in_corner = (i == 0 && j == 0) || (i == 0 && j == count - 1) || (i == count - 1 && j == 0);
            if (!in_corner) draw_alignment(drawing, places[i], places[j]);
        }
    }
}

/* The level and the mask, with the bits that correct them, beside the finders; twice. */
static void draw_format(struct drawing *drawing, enum qr_level level, int mask) {
    static const unsigned LEVEL_BITS[] = {1, 0, 3, 2};
    int size = drawing->code->size;
    unsigned data = LEVEL_BITS[level] << 3 | (unsigned)mask, rest = data;
    for (int i = 0; i < 10; i++) rest = rest << 1 ^ (rest >> 9) * 0x537;
    unsigned bits = (data << 10 | rest) ^ 0x5412;
    for (int i = 0; i < 15; i++) {
        bool dark = bits >> i & 1;
        int near = i < 6 ? i : i < 8 ? i + 1 : -1;
        if (near >= 0) {
            fix(drawing, 8, near, dark);
        } else {
            fix(drawing, i == 8 ? 7 : 14 - i, 8, dark);
        }
        if (i < 8) {
            fix(drawing, size - 1 - i, 8, dark);
        } else {
            fix(drawing, 8, size - 15 + i, dark);
        }
    }
    fix(drawing, 8, size - 8, true);
}

static void draw_version(struct drawing *drawing) {
    unsigned version = (unsigned)drawing->code->version, rest = version;
    if (version < 7) return;
    for (int i = 0; i < 12; i++) rest = rest << 1 ^ (rest >> 11) * 0x1F25;
    unsigned bits = version << 12 | rest;
    for (int i = 0; i < 18; i++) {
        int far = drawing->code->size - 11 + i % 3, near = i / 3;
        fix(drawing, far, near, bits >> i & 1);
        fix(drawing, near, far, bits >> i & 1);
    }
}

static void draw_patterns(struct drawing *drawing, enum qr_level level) {
    int size = drawing->code->size;
    for (int i = 0; i < size; i++) {
        fix(drawing, 6, i, i % 2 == 0);
        fix(drawing, i, 6, i % 2 == 0);
    }
    draw_finder(drawing, 3, 3);
    draw_finder(drawing, size - 4, 3);
    draw_finder(drawing, 3, size - 4);
    draw_alignments(drawing);
    draw_version(drawing);
    /* Its place is fixed now; what stands there is drawn with each mask. */
    draw_format(drawing, level, 0);
}

/* Codewords go up and down in columns two wide, from the right; the column of the timing pattern is left out. */
static void draw_codewords(struct drawing *drawing, const uint8_t *codewords, size_t count) {
    int size = drawing->code->size;
    size_t bit = 0;
    for (int right = size - 1; right >= 1; right -= 2) {
        if (right == 6) right = 5;
        bool up = ((right + 1) & 2) == 0;
        for (int i = 0; i < size * 2; i++) {
            int x = right - i % 2, y = up ? size - 1 - i / 2 : i / 2;
            if (drawing->fixed[y][x] || bit == count * 8) continue;
            drawing->code->dark[y][x] = codewords[bit / 8] >> (7 - bit % 8) & 1;
            bit++;
        }
    }
}

static bool is_masked(int mask, int x, int y) {
    switch (mask) {
    case 0: return (x + y) % 2 == 0;
    case 1: return y % 2 == 0;
    case 2: return x % 3 == 0;
    case 3: return (x + y) % 3 == 0;
    case 4: return (x / 3 + y / 2) % 2 == 0;
    case 5: return x * y % 2 + x * y % 3 == 0;
    case 6: return (x * y % 2 + x * y % 3) % 2 == 0;
    default: return ((x + y) % 2 + x * y % 3) % 2 == 0;
    }
}

/* Done twice it is undone. */
static void apply_mask(struct drawing *drawing, int mask) {
    int size = drawing->code->size;
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) drawing->code->dark[y][x] ^= !drawing->fixed[y][x] && is_masked(mask, x, y);
    }
}

/* What a line has against it: runs of five and more, and what looks like a finder. */
static int line_penalty(const struct qr_code *code, int line, bool is_column) {
    int penalty = 0, run = 0;
    unsigned window = 0;
    for (int i = 0; i < code->size; i++) {
        bool dark = is_column ? code->dark[i][line] : code->dark[line][i];
        run = i > 0 && dark == (window & 1) ? run + 1 : 1;
        window = (window << 1 | dark) & 0x7FF;
        if (run == 5) penalty += 3;
        if (run > 5) penalty += 1;
        if (i >= 10 && (window == 0x5D0 || window == 0x05D)) penalty += 40;
    }
    return penalty;
}

/* How hard a code is to read, by the standard's four rules. */
static int penalty(const struct qr_code *code) {
    int sum = 0, dark = 0, size = code->size;
    for (int line = 0; line < size; line++) sum += line_penalty(code, line, false) + line_penalty(code, line, true);
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            bool it = code->dark[y][x];
            dark += it;
            if (x == 0 || y == 0) continue;
            if (it == code->dark[y - 1][x] && it == code->dark[y][x - 1] && it == code->dark[y - 1][x - 1]) sum += 3;
        }
    }
    return sum + abs(dark * 20 - size * size * 10) / (size * size) * 10;
}

static void draw_best_mask(struct drawing *drawing, enum qr_level level) {
    int best = 0, least = -1;
    for (int mask = 0; mask < 8; mask++) {
        apply_mask(drawing, mask);
        draw_format(drawing, level, mask);
        int sum = penalty(drawing->code);
        if (least < 0 || sum < least) {
            best = mask;
            least = sum;
        }
        apply_mask(drawing, mask);
    }
    apply_mask(drawing, best);
    draw_format(drawing, level, best);
}

bool qr_make(const void *bytes, size_t size, enum qr_level level, struct qr_code *code) {
    int version = 1;
    while (version <= QR_MAX_VERSION && codewords_room(version, level) < size) version++;
    if (version > QR_MAX_VERSION) return false;
    /* 10 KB: an instance has one stack of 256 KiB. */
    struct drawing drawing = {.code = code};
    uint8_t codewords[MAX_CODEWORDS];
    memset(code, 0, sizeof *code);
    code->version = version;
    code->size = version * 4 + 17;
    draw_patterns(&drawing, level);
    draw_codewords(&drawing, codewords, codewords_make(bytes, size, version, level, codewords));
    draw_best_mask(&drawing, level);
    return true;
}

size_t qr_most_bytes(enum qr_level level) { return codewords_room(QR_MAX_VERSION, level); }
