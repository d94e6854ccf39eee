package main

import (
	"testing"

	"airssys"
)

func open(t *testing.T) *greeter {
	g, err := newGreeter(settings{Greeting: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestANameIsGreeted(t *testing.T) {
	out, err := open(t).Execute(t.Context(), airssys.Text("ada"))
	if err != nil || string(out.Body) != "hello, ada!" {
		t.Errorf("got %q, %v", out.Body, err)
	}
}

func TestNobodyIsTheCallersMistake(t *testing.T) {
	_, err := open(t).Execute(t.Context(), airssys.Text(" "))
	if err == nil || airssys.KindOf(err) != airssys.InvalidInput {
		t.Errorf("got %v", err)
	}
}
