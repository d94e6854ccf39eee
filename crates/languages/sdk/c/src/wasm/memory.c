/*
 * Where the host puts arguments and what its functions return: into the memory of the call. So nothing of them is
 * copied or freed one by one. The bindings' own functions after a return would free each piece; here they end the call.
 */
#include "airssys_bindings.h"

#define EXPORT(name) __attribute__((export_name(name)))

/* Takes the place of the bindings' weak one. An empty list gets a place that is never written to. */
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size) {
    (void)align;
    char *memory = alloc_bytes(new_size);
    if (old_size > 0) memcpy(memory, old, old_size < new_size ? old_size : new_size);
    return memory;
}

/* What the bindings call in the place of `free`, as on a call's arguments: it all ends with the call. */
void airssys_leave(void *memory) { (void)memory; }

/* What the adapter for preview 1 of WASI keeps, it keeps for as long as the instance lasts. */
EXPORT("cabi_realloc_adapter") void *cabi_realloc_adapter(void *old, size_t old_size, size_t align, size_t new_size) {
    (void)old_size;
    void *memory = old == NULL ? aligned_alloc(align, (new_size + align - 1) / align * align) : realloc(old, new_size);
    if (memory == NULL) abort();
    return memory;
}
