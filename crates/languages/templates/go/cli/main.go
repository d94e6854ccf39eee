// A command: arguments and stdin in, stdout and an exit code out. It is plain Go and runs natively too.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	_ "airssys" // the host calls main by it
)

func main() {
	greeting := "hello"
	if len(os.Args) > 1 {
		greeting = os.Args[1]
	}
	if err := greet(os.Stdin, os.Stdout, greeting); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func greet(names io.Reader, out io.Writer, greeting string) error {
	lines := bufio.NewScanner(names)
	for lines.Scan() {
		fmt.Fprintf(out, "%s, %s!\n", greeting, lines.Text())
	}
	return lines.Err()
}
