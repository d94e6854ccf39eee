// What a build's still library is made of, and what of Python's interface it needs. That of libc is in its own headers.

#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct Object Object;
typedef intptr_t Size;

// A function of a module, as `PyMethodDef` has it.
typedef struct {
    const char *name;
    void *function;
    int flags;
    const char *doc;
} Method;

// `PyModuleDef`.
typedef struct {
    Size count;
    void *type, *init;
    Size index;
    void *copy;
    const char *name, *doc;
    Size size;
    Method *methods;
    void *slots, *traverse, *clear, *free;
} Module;

// `struct _inittab`: a module that is linked into Python.
typedef struct {
    const char *name;
    Module *(*init)(void);
} Builtin;

// `PyMemAllocatorEx`.
typedef struct {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t count, size_t size);
    void *(*realloc)(void *context, void *block, size_t size);
    void (*free)(void *context, void *block);
} Allocator;

extern Builtin *PyImport_Inittab;
extern Object _Py_NoneStruct;

int PyImport_AppendInittab(const char *name, Module *(*init)(void));
Module *PyModule_Create2(Module *module, int version);
void PyMem_GetAllocator(int domain, Allocator *allocator);
void PyMem_SetAllocator(int domain, Allocator *allocator);
Object *PyOS_FSPath(Object *path);
Object *PyObject_GetAttrString(Object *object, const char *name);
int PyObject_IsTrue(Object *object);
const char *PyUnicode_AsUTF8(Object *text);
int PyUnicode_CompareWithASCIIString(Object *text, const char *other);
Object *PyUnicode_DecodeFSDefault(const char *text);
Object *PyList_New(Size count);
int PyList_SetItem(Object *list, Size at, Object *item);
int PyList_Sort(Object *list);
Object *PyLong_FromLongLong(long long number);
long long PyLong_AsLongLong(Object *number);
Object *PyFloat_FromDouble(double number);
Object *PyStructSequence_New(Object *type);
void PyStructSequence_SetItem(Object *sequence, Size at, Object *item);
Size PyTuple_Size(Object *tuple);
Object *PyTuple_GetItem(Object *tuple, Size at);
void PyErr_Clear(void);
void Py_IncRef(Object *object);
void Py_DecRef(Object *object);

// Blocks of memory that begin and end empty.
void empty_memory_begin(void);
void empty_memory_end(void);

// The folders as they were when the build began.
typedef struct {
    char *path;
    char **names;
    size_t count;
} Folder;

void folders_begin(void);
void folders_end(void);
const Folder *folder_at(const char *path);

// Answers of the modules `posix` and `time` in which nothing of the machine is.
void answers_begin(void);
void answers_end(void);
