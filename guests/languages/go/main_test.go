package main

import (
	"testing"

	"airssys"
)

func ask(t *testing.T, op, body string) (string, error) {
	g, err := open(nil)
	if err != nil {
		t.Fatal(err)
	}
	in := airssys.Text(body)
	in.Metadata.Add("OP", op)
	out, err := g.Execute(t.Context(), in)
	return string(out.Body), err
}

func TestEntriesOfABucketAreSetAndRead(t *testing.T) {
	if _, err := ask(t, "kv-set", "conformance colour deep blue"); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t, "kv-get", "conformance colour"); got != "deep blue" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := ask(t, "kv-get", "conformance shape"); airssys.KindOf(err) != airssys.InvalidInput {
		t.Errorf("got %v", err)
	}
}

func TestEveryKindOfErrorIsAnsweredAsAsked(t *testing.T) {
	for _, kind := range []string{"invalid-input", "invalid-config", "denied", "unavailable", "failed"} {
		_, err := ask(t, "error", kind)
		if err == nil || airssys.KindOf(err).String() != kind || err.Error() != "as asked: "+kind {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

func TestAnUnknownColourIsRefused(t *testing.T) {
	_, err := open(map[string]any{"colour": "mauve"})
	if err == nil || airssys.KindOf(err) != airssys.InvalidConfig {
		t.Errorf("got %v", err)
	}
}
