/*
 * The memory that lives for one call: blocks that are filled from their start and freed together. A block is kept from
 * call to call, so that a small call takes no memory from `malloc`; what is larger has a block of its own.
 */
#include "base.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)16 * 1024)
#define ALIGNMENT _Alignof(max_align_t)

struct block {
    struct block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char memory[];
};

struct ending {
    struct ending *next;
    void (*function)(void *);
    void *argument;
};

/* The one that is filled is the first; those behind it are full or of one piece. */
static struct block *blocks;
static struct ending *endings;

static struct block *new_block(size_t size) {
    struct block *block = size > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + size);
    if (block == NULL) abort();
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

/* A block of one piece goes behind the first, which goes on being filled. */
static void *own_block(size_t size) {
    struct block *block = new_block(size);
    block->used = size;
    if (blocks == NULL) {
        blocks = block;
    } else {
        block->next = blocks->next;
        blocks->next = block;
    }
    return block->memory;
}

static void *place(size_t size) {
    if (size > BLOCK_SIZE / 4) return own_block(size);
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (blocks == NULL || blocks->size - blocks->used < size) {
        struct block *block = new_block(BLOCK_SIZE);
        block->next = blocks;
        blocks = block;
    }
    void *memory = blocks->memory + blocks->used;
    blocks->used += size;
    return memory;
}

void *airssys_alloc(size_t size) { return memset(place(size), 0, size); }

/* As `airssys_alloc`, but only the byte behind the `size` asked for is zeroed. */
static void *alloc_bytes(size_t size) {
    if (size == SIZE_MAX) abort();
    unsigned char *memory = place(size + 1);
    memory[size] = 0;
    return memory;
}

/* Frees what `alloc_bytes` gave for this size before the call ends, if it has a block of its own. */
static inline void free_bytes(const void *memory, size_t size) {
    for (struct block **at = &blocks; *at != NULL; at = &(*at)->next) {
        struct block *block = *at;
        /* A shared block is larger than any piece in it, so the size tells one from a piece at its start. */
        if (block->memory != memory || block->size != size + 1) continue;
        *at = block->next;
        free(block);
        return;
    }
}

void airssys_at_end(void (*function)(void *), void *argument) {
    struct ending *ending = airssys_alloc(sizeof *ending);
    *ending = (struct ending){endings, function, argument};
    endings = ending;
}

void airssys_end_call(void) {
    while (endings != NULL) {
        struct ending *ending = endings;
        endings = ending->next;
        ending->function(ending->argument);
    }
    struct block *kept = NULL;
    while (blocks != NULL) {
        struct block *block = blocks;
        blocks = block->next;
        if (kept == NULL && block->size == BLOCK_SIZE) {
            kept = block;
        } else {
            free(block);
        }
    }
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
    }
    blocks = kept;
}

void airssys_buffer_add(airssys_buffer *buffer, const void *data, size_t size) {
    if (size > SIZE_MAX / 4 - buffer->size) abort();
    if (buffer->data == NULL || buffer->room - buffer->size < size) {
        size_t room = buffer->room < 64 ? 64 : buffer->room;
        while (room < buffer->size + size) room *= 2;
        char *grown = alloc_bytes(room);
        if (buffer->size > 0) memcpy(grown, buffer->data, buffer->size);
        buffer->data = grown;
        buffer->room = room;
    }
    if (size > 0) memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = 0;
}

airssys_bytes airssys_buffer_bytes(const airssys_buffer *buffer) {
    return (airssys_bytes){buffer->data == NULL ? "" : buffer->data, buffer->size};
}

airssys_bytes airssys_keep_bytes(airssys_bytes bytes) {
    char *kept = bytes.size == SIZE_MAX ? NULL : malloc(bytes.size + 1);
    if (kept == NULL) abort();
    if (bytes.size > 0) memcpy(kept, bytes.data, bytes.size);
    kept[bytes.size] = 0;
    return (airssys_bytes){kept, bytes.size};
}

char *airssys_keep(const char *text) { return (char *)airssys_keep_bytes(airssys_text(text)).data; }
