/* The codewords of a QR code: its bytes with their header and padding, and what errors are corrected by. */
#ifndef CODEWORDS_H
#define CODEWORDS_H

#include "qr.h"

/* As many as the largest version has. */
#define MAX_CODEWORDS 1085

/* How many bytes a version holds at a level. */
size_t codewords_room(int version, enum qr_level level);

/* Writes all of a version's codewords, in the order in which they are placed, and returns how many there are. */
size_t codewords_make(const uint8_t *bytes, size_t size, int version, enum qr_level level, uint8_t *codewords);

#endif
