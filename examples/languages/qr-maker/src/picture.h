/* A code as a picture, with the light border of four modules that readers need. */
#ifndef PICTURE_H
#define PICTURE_H

#include <airssys.h>

#include "qr.h"

/* An SVG with one path; `scale` is a module's side. */
airssys_bytes picture_svg(const struct qr_code *code, int scale);

/* A PNG of one bit a pixel; `scale` is a module's side in pixels. It is not compressed: deflate's stored blocks. */
airssys_bytes picture_png(const struct qr_code *code, int scale);

#endif
