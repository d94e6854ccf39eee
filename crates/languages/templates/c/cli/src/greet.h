/* Greets each line's name. */
#ifndef GREET_H
#define GREET_H

#include <stdio.h>

/* Writes a line for each of `names`; the exit code is 1 where reading or writing failed. */
int greet(const char *greeting, FILE *names, FILE *to);

#endif
