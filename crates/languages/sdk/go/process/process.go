// Package process runs programs of the host, out of the operator's list. A component names an entry; which program that
// is, with which arguments, variables and directory, is the operator's word alone.
package process

import "errors"

// Finished is what a program that ended leaves.
type Finished struct {
	// ExitCode is 128 and the signal's number where a signal ended it.
	ExitCode int
	// Stdout and Stderr are what it wrote.
	Stdout, Stderr []byte
}

// Errors that [Run] wraps beside those of the kinds of package airssys.
var (
	// ErrNoSuchProgram says that the operator's list has no such entry.
	ErrNoSuchProgram = errors.New("the operator's list has no such program")
	// ErrTooLarge says that the input, or what the program wrote, is larger than may be.
	ErrTooLarge = errors.New("too large")
)

// Run runs an entry with these bytes as its standard input, and waits for its end. A program that fails is no error: its
// exit code says so. Natively there is no list, and no entry.
func Run(name string, stdin []byte) (Finished, error) { return run(name, stdin) }
