// What Python's modules `posix` and `time` answer while a build lasts.
//
// Both are Python's own, with these functions in place of some of theirs. Names come in order; a file has a mode and a
// size, a folder a mode, and neither has a time or a number; all clocks stand at zero.

#include "still.h"

#include <string.h>
#include <sys/stat.h>

// How a function of Python is called: its module, arguments, how many of them have no name, and the others' names.
typedef Object *Called(Object *module, Object *const *arguments, Size count, Object *keywords);

static Called listdir, stat_of, lstat_of;

static Object *zero(Object *module, Object *nothing) {
    (void)module, (void)nothing;
    return PyLong_FromLongLong(0);
}

static Object *zero_seconds(Object *module, Object *nothing) {
    (void)module, (void)nothing;
    return PyFloat_FromDouble(0);
}

typedef struct {
    const char *name;
    void *still, *before;
    Method *method;
} Answer;

enum { LISTDIR, STAT, LSTAT, TIME, ANSWERS = TIME + 10 };

static Answer answers[ANSWERS] = {
    [LISTDIR] = {.name = "listdir", .still = listdir},
    [STAT] = {.name = "stat", .still = stat_of},
    [LSTAT] = {.name = "lstat", .still = lstat_of},
    [TIME] = {.name = "time", .still = zero_seconds},
    {.name = "monotonic", .still = zero_seconds},
    {.name = "perf_counter", .still = zero_seconds},
    {.name = "process_time", .still = zero_seconds},
    {.name = "thread_time", .still = zero_seconds},
    {.name = "time_ns", .still = zero},
    {.name = "monotonic_ns", .still = zero},
    {.name = "perf_counter_ns", .still = zero},
    {.name = "process_time_ns", .still = zero},
    {.name = "thread_time_ns", .still = zero},
};

static Object *before(int answer, Object *module, Object *const *arguments, Size count, Object *keywords) {
    return ((Called *)answers[answer].before)(module, arguments, count, keywords);
}

// A path as text, and what holds it; none for a number and for bytes, which Python's own function knows better.
static const char *text_of(Object *argument, Object **held) {
    *held = PyOS_FSPath(argument);
    const char *text = *held != NULL ? PyUnicode_AsUTF8(*held) : NULL;
    if (text == NULL) PyErr_Clear();
    return text;
}

static void let_go(Object *held) {
    if (held != NULL) Py_DecRef(held);
}

static Object *listdir(Object *module, Object *const *arguments, Size count, Object *keywords) {
    if (count == 1 && keywords == NULL) {
        Object *held;
        const char *path = text_of(arguments[0], &held);
        const Folder *folder = path != NULL ? folder_at(path) : NULL;
        let_go(held);
        if (folder != NULL) {
            Object *list = PyList_New((Size)folder->count);
            for (size_t at = 0; list != NULL && at < folder->count; at++) {
                PyList_SetItem(list, (Size)at, PyUnicode_DecodeFSDefault(folder->names[at]));
            }
            return list;
        }
    }
    Object *list = before(LISTDIR, module, arguments, count, keywords);
    if (list == NULL || PyList_Sort(list) == 0) return list;
    Py_DecRef(list);
    return NULL;
}

// The type of an answer, and how many fields it has, known or not.
static Object *type;
static Size fields;

// The first fields of ten are those of POSIX in its order, and the three after them seconds with a fraction.
static Object *told(Object *module, const struct stat *file) {
    if (type == NULL) {
        type = PyObject_GetAttrString(module, "stat_result");
        Object *number = PyObject_GetAttrString(type, "n_fields");
        fields = (Size)PyLong_AsLongLong(number);
        Py_DecRef(number);
    }
    Object *result = PyStructSequence_New(type);
    for (Size at = 0; result != NULL && at < fields; at++) {
        long long known = at == 0 ? file->st_mode : at == 3 ? 1 : 0;
        if (at == 6 && !S_ISDIR(file->st_mode)) known = file->st_size;
        int seconds = at >= 10 && at < 13;
        PyStructSequence_SetItem(result, at, seconds ? PyFloat_FromDouble(0) : PyLong_FromLongLong(known));
    }
    return result;
}

// By a path, with or without `follow_symlinks`; all else, and what fails, is asked of Python's own function.
static Object *stat_by(int answer, Object *module, Object *const *arguments, Size count, Object *keywords) {
    Size named = keywords != NULL ? PyTuple_Size(keywords) : 0;
    int follows = answer == STAT;
    int known = count == 1 && named == 0;
    if (count == 1 && named == 1 && answer == STAT) {
        known = PyUnicode_CompareWithASCIIString(PyTuple_GetItem(keywords, 0), "follow_symlinks") == 0;
        follows = PyObject_IsTrue(arguments[1]);
    }
    if (known) {
        Object *held;
        struct stat file;
        const char *path = text_of(arguments[0], &held);
        int found = path != NULL && (follows ? stat(path, &file) : lstat(path, &file)) == 0;
        let_go(held);
        if (found) return told(module, &file);
    }
    return before(answer, module, arguments, count, keywords);
}

static Object *stat_of(Object *module, Object *const *arguments, Size count, Object *keywords) {
    return stat_by(STAT, module, arguments, count, keywords);
}

static Object *lstat_of(Object *module, Object *const *arguments, Size count, Object *keywords) {
    return stat_by(LSTAT, module, arguments, count, keywords);
}

static void stand_in(Module *module, int from, int to) {
    for (Method *method = module->methods; method->name != NULL; method++) {
        for (int at = from; at < to; at++) {
            if (answers[at].method != NULL || strcmp(method->name, answers[at].name) != 0) continue;
            answers[at].method = method;
            answers[at].before = method->function;
            method->function = answers[at].still;
        }
    }
}

static Module *(*posix)(void), *(*time)(void);
static int ended;

static Module *still_posix(void) {
    Module *module = posix();
    if (!ended) stand_in(module, LISTDIR, TIME);
    return module;
}

static Module *still_time(void) {
    Module *module = time();
    if (!ended) stand_in(module, TIME, ANSWERS);
    return module;
}

// Python takes a copy of its table, so that it is never changed back.
void answers_begin(void) {
    for (Builtin *builtin = PyImport_Inittab; builtin->name != NULL; builtin++) {
        if (strcmp(builtin->name, "posix") == 0) posix = builtin->init, builtin->init = still_posix;
        if (strcmp(builtin->name, "time") == 0) time = builtin->init, builtin->init = still_time;
    }
}

void answers_end(void) {
    ended = 1;
    for (int at = 0; at < ANSWERS; at++) {
        if (answers[at].method != NULL) answers[at].method->function = answers[at].before;
    }
    let_go(type);
    type = NULL;
}
