// Memory whose blocks are empty when they are given and when they are taken back.
//
// A block that is not filled to its end keeps what it held before, and so does one that has been freed: times, random
// bytes, and the host's numbers of files.

#include "still.h"

#include <stdlib.h>
#include <string.h>

size_t malloc_usable_size(void *block);

// Raw memory, that of Python's own structures, and that of objects.
enum { DOMAINS = 3 };

static Allocator before[DOMAINS];

static void *taken(void *context, size_t size) {
    (void)context;
    void *block = malloc(size != 0 ? size : 1);
    if (block != NULL) memset(block, 0, malloc_usable_size(block));
    return block;
}

static void *taken_for(void *context, size_t count, size_t size) {
    size_t all;
    return __builtin_mul_overflow(count, size, &all) ? NULL : taken(context, all);
}

static void given_back(void *context, void *block) {
    (void)context;
    if (block == NULL) return;
    memset(block, 0, malloc_usable_size(block));
    free(block);
}

static void *changed(void *context, void *block, size_t size) {
    if (block == NULL) return taken(context, size);
    size_t had = malloc_usable_size(block);
    if (size != 0 && size <= had) {
        memset((char *)block + size, 0, had - size);
        return realloc(block, size);
    }
    void *other = taken(context, size);
    if (other == NULL) return NULL;
    memcpy(other, block, size < had ? size : had);
    given_back(context, block);
    return other;
}

void empty_memory_begin(void) {
    for (int domain = 0; domain < DOMAINS; domain++) {
        Allocator empty = {NULL, taken, taken_for, changed, given_back};
        PyMem_GetAllocator(domain, &before[domain]);
        PyMem_SetAllocator(domain, &empty);
    }
}

// Blocks are libc's own, before and after: Python frees those of the build by its own means.
void empty_memory_end(void) {
    for (int domain = 0; domain < DOMAINS; domain++) PyMem_SetAllocator(domain, &before[domain]);
}
