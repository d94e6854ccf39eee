#include "greet.h"

#include <stdlib.h>
#include <string.h>

int greet(const char *greeting, FILE *names, FILE *to) {
    char *name = NULL;
    size_t room = 0;
    while (getline(&name, &room, names) != -1) {
        name[strcspn(name, "\r\n")] = 0;
        fprintf(to, "%s, %s!\n", greeting, name);
    }
    free(name);
    if (ferror(names)) perror("stdin");
    return ferror(names) || fflush(to) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
