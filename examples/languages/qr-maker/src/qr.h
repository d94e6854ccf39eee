/*
 * QR codes by ISO/IEC 18004: bytes in, a square of dark and light modules out. Versions 1 to 20, which hold up to 858
 * bytes; bytes are all it knows, so that text is UTF-8, as readers take it.
 */
#ifndef QR_H
#define QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_MAX_VERSION 20
#define QR_MAX_SIZE (QR_MAX_VERSION * 4 + 17)

/* How much of a code may be lost: 7, 15, 25 or 30 in a hundred. */
enum qr_level { QR_LOW, QR_MEDIUM, QR_QUARTILE, QR_HIGH };

struct qr_code {
    int version;
    /* Modules on a side, without the light border of four that a code needs around it. */
    int size;
    bool dark[QR_MAX_SIZE][QR_MAX_SIZE];
};

/* Makes the smallest code that holds the bytes; false where even the largest does not. */
bool qr_make(const void *bytes, size_t size, enum qr_level level, struct qr_code *code);

/* How many bytes the largest code of a level holds. */
size_t qr_most_bytes(enum qr_level level);

#endif
