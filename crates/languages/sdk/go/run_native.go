//go:build !wasip1

package airssys

import (
	"context"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// run answers one call: what main is without a host.
func run(c component) {
	if err := answer(c, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answer(c component, args []string, stdin io.Reader, stdout io.Writer) error {
	config := "{}"
	if len(args) > 0 {
		config = args[0]
	}
	handler, err := c.open(config)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	in := Message{Body: body}
	if utf8.Valid(body) {
		in.ContentType = "text/plain; charset=utf-8"
	}
	out, err := execute(WithCall(context.Background(), Call{Attempt: 1}), handler, in)
	if err != nil {
		return err
	}
	_, err = stdout.Write(out.Body)
	return err
}
