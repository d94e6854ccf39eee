/* The whole SDK for native tests, in one file to be compiled with them. */
#include "src/memory.c"
#include "src/text.c"
#include "src/json.c"
#include "src/native.c"
