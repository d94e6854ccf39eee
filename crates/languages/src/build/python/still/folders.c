// What is in the folders of Python's path, read before Python begins.
//
// A folder gives its names in an order that is the file system's own, and libc takes and frees a block for each of
// them. So they are all read while next to nothing else is in memory, kept in order, and told from there. What a build
// itself writes afterwards is not among them.

#include "still.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

// As many folders as are likely to lie in one another.
enum { DEPTH = 64 };

// More than all holes in memory so far, together.
static const size_t LARGE = 1 << 20;

static char path[4096];
static Folder *folders;
static char **names;
static char *texts;
static struct {
    size_t folders, names, texts;
} used;

static int by_text(const void *one, const void *other) {
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static int by_path(const void *one, const void *other) {
    return strcmp(((const Folder *)one)->path, ((const Folder *)other)->path);
}

static size_t joined(size_t length, const char *name) {
    size_t size = strlen(name) + 1;
    if (length + 1 + size > sizeof path) abort();
    path[length] = '/';
    memcpy(path + length + 1, name, size);
    return length + size;
}

static struct dirent *next(DIR *dir) {
    struct dirent *entry = readdir(dir);
    while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)) {
        entry = readdir(dir);
    }
    return entry;
}

static void count(size_t length) {
    DIR *dir = opendir(path);
    if (dir == NULL) return;
    used.folders++;
    used.texts += length + 1;
    for (struct dirent *entry = next(dir); entry != NULL; entry = next(dir)) {
        used.names++;
        used.texts += strlen(entry->d_name) + 2;
        if (entry->d_type != DT_DIR) continue;
        count(joined(length, entry->d_name));
        path[length] = 0;
    }
    closedir(dir);
}

static char *kept(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = memcpy(texts + used.texts, text, size);
    used.texts += size;
    return copy;
}

// Before each name stands whether it is a folder's.
static void keep(size_t length) {
    DIR *dir = opendir(path);
    if (dir == NULL) return;
    Folder *folder = &folders[used.folders++];
    *folder = (Folder){kept(path), names + used.names, 0};
    for (struct dirent *entry = next(dir); entry != NULL; entry = next(dir)) {
        texts[used.texts++] = entry->d_type == DT_DIR;
        folder->names[folder->count++] = kept(entry->d_name);
    }
    closedir(dir);
    used.names += folder->count;
    qsort(folder->names, folder->count, sizeof *names, by_text);
    for (size_t at = 0; at < folder->count; at++) {
        if (!folder->names[at][-1]) continue;
        keep(joined(length, folder->names[at]));
        path[length] = 0;
    }
}

static void each(void visit(size_t length)) {
    memset(&used, 0, sizeof used);
    const char *rest = getenv("PYTHONPATH");
    while (rest != NULL && *rest != 0) {
        size_t length = strcspn(rest, ":");
        if (length + 1 > sizeof path) abort();
        memcpy(path, rest, length);
        path[length] = 0;
        visit(length);
        rest += length + (rest[length] == ':');
    }
    memset(path, 0, sizeof path);
}

// What libc makes once and keeps is made before the folders are read, so that it lies where it lies whatever is in
// them: its table of open files, and its copy of the longest path.
static void make_what_is_kept(void) {
    DIR *open[DEPTH];
    for (int at = 0; at < DEPTH; at++) open[at] = opendir("/python");
    for (int at = 0; at < DEPTH; at++) {
        if (open[at] != NULL) closedir(open[at]);
    }
    static const char START[] = "/python/";
    memset(path, '.', sizeof path / 4);
    memcpy(path, START, sizeof START - 1);
    DIR *none = opendir(path);
    if (none != NULL) closedir(none);
    memset(path, 0, sizeof path);
}

// The holes between blocks are emptied, and come into the order in which they lie: which of them is given next would
// else be a matter of what was freed last.
static void order_holes(void) {
    char *top = malloc(LARGE);
    if (top == NULL) abort();
    memset(top, 0, LARGE);
    free(top);
    struct Hole {
        struct Hole *next;
    } *first = NULL, **last = &first, *hole;
    while ((char *)(hole = calloc(1, sizeof *hole)) < top) {
        *last = hole;
        last = &hole->next;
    }
    free(hole);
    while ((hole = first) != NULL) {
        first = hole->next;
        free(hole);
    }
}

void folders_begin(void) {
    make_what_is_kept();
    order_holes();
    each(count);
    order_holes();
    folders = calloc(used.folders + 1, sizeof *folders);
    names = calloc(used.names + 1, sizeof *names);
    texts = calloc(used.texts + 1, 1);
    if (folders == NULL || names == NULL || texts == NULL) abort();
    each(keep);
    qsort(folders, used.folders, sizeof *folders, by_path);
    order_holes();
}

const Folder *folder_at(const char *wanted) {
    size_t length = strlen(wanted);
    while (length > 1 && wanted[length - 1] == '/') length--;
    if (length + 1 > sizeof path) return NULL;
    memcpy(path, wanted, length);
    path[length] = 0;
    Folder key = {path, NULL, 0};
    return bsearch(&key, folders, used.folders, sizeof *folders, by_path);
}

void folders_end(void) {
    memset(texts, 0, used.texts);
    memset(names, 0, used.names * sizeof *names);
    memset(folders, 0, used.folders * sizeof *folders);
    memset(path, 0, sizeof path);
    memset(&used, 0, sizeof used);
    free(texts);
    free(names);
    free(folders);
    texts = NULL, names = NULL, folders = NULL;
}
