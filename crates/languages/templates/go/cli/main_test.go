package main

import (
	"strings"
	"testing"
)

func TestEveryNameIsGreeted(t *testing.T) {
	var out strings.Builder
	if err := greet(strings.NewReader("ada\ngrace\n"), &out, "hi"); err != nil {
		t.Fatal(err)
	}
	if out.String() != "hi, ada!\nhi, grace!\n" {
		t.Errorf("got %q", out.String())
	}
}
