/* A command: arguments and stdin in, stdout and an exit code out. It is plain C and runs natively too. */
#include "greet.h"

int main(int argc, char **argv) { return greet(argc > 1 ? argv[1] : "hello", stdin, stdout); }
