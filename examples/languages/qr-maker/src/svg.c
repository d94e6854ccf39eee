#include "picture.h"

#define BORDER 4

airssys_bytes picture_svg(const struct qr_code *code, int scale) {
    airssys_buffer svg = {0};
    int side = code->size + 2 * BORDER;
    airssys_buffer_format(&svg,
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">"
                          "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"",
                          side * scale, side * scale, side, side, side, side);
    for (int y = 0; y < code->size; y++) {
        for (int x = 0, run; x < code->size; x += run) {
            for (run = 1; x + run < code->size && code->dark[y][x + run] == code->dark[y][x]; run++) {
            }
            if (code->dark[y][x]) airssys_buffer_format(&svg, "M%d %dh%dv1h-%dz", x + BORDER, y + BORDER, run, run);
        }
    }
    airssys_buffer_text(&svg, "\"/></svg>\n");
    return airssys_buffer_bytes(&svg);
}
