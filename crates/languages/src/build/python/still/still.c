// A library that takes chance and time out of a build in Python.
//
// The tool runs Python and keeps its memory, with all that Python met on the machine in it. What the tool finds as a
// native extension it links, and an extension's constructor runs before Python begins: this one prepares Python so that
// what it meets is the same on each machine and at each time, until the build says that it has ended. After that
// nothing here is called by anything.

#include "still.h"

#include <stdlib.h>

// Ten digits, which the build writes anew for each project: what its texts are hashed by.
__attribute__((used)) static char seed[] = "airssys-wasm seed:0000000000";
static const size_t SEED_AT = sizeof "airssys-wasm seed:" - 1;

extern uintptr_t __stack_chk_guard;

static const int METH_NOARGS = 4;
static const int API_VERSION = 1013;

static Object *end(Object *self, Object *nothing) {
    (void)self, (void)nothing;
    answers_end();
    empty_memory_end();
    folders_end();
    Py_IncRef(&_Py_NoneStruct);
    return &_Py_NoneStruct;
}

static Method methods[] = {{"end", end, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static Module module = {.count = 1, .name = "_airssys_still", .size = -1, .methods = methods};

static Module *init(void) {
    return PyModule_Create2(&module, API_VERSION);
}

__attribute__((constructor)) static void begin(void) {
    const char *digits = seed + SEED_AT;
    setenv("PYTHONHASHSEED", digits, 1);
    // What libc has drawn at random to find a stack that was written over. No function that began before returns
    // through it.
    __stack_chk_guard = strtoul(digits, NULL, 10) * 2654435761u;
    folders_begin();
    empty_memory_begin();
    PyImport_AppendInittab(module.name, init);
    answers_begin();
}
