// Package wait lets goroutines wait for the host together: while one waits the others run, and what all of them wait for
// is asked of the host at once. It is empty natively.
package wait
