package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func post(query, body string) (int, string) {
	w := httptest.NewRecorder()
	service().ServeHTTP(w, httptest.NewRequest("POST", "/"+query, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestTablesComeOutAsAsked(t *testing.T) {
	people := `[{"name": "ada", "born": 1815}, {"name": "grace, the \"admiral\"", "navy": true, "born": null}]`
	cases := []struct{ query, body, want string }{
		{"", people, "name,born,navy\nada,1815,\n\"grace, the \"\"admiral\"\"\",,true\n"},
		{"?header=false", people, "ada,1815,\n\"grace, the \"\"admiral\"\"\",,true\n"},
		{"?separator=%3B", people, "name;born;navy\nada;1815;\n\"grace, the \"\"admiral\"\"\";;true\n"},
		{"?separator=tab&columns=born,name", people, "born\tname\n1815\tada\n\t\"grace, the \"\"admiral\"\"\"\n"},
		{"", `[]`, ""},
		{"", `[{"at": {"x": 1.50}, "big": 12345678901234567890}]`, "at,big\n\"{\"\"x\"\": 1.50}\",12345678901234567890\n"},
		{"", `[{"größe": "zwölf\nZeilen"}]`, "größe\n\"zwölf\nZeilen\"\n"},
	}
	for _, c := range cases {
		if status, got := post(c.query, c.body); status != 200 || got != c.want {
			t.Errorf("%s %s: got %d %q", c.query, c.body, status, got)
		}
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	cases := []struct{ query, body, want string }{
		{"", "[\n  {\"a\": 1},\n  {\"a\": tru}\n]", `"line":3,"column":12`},
		{"", "[{\"a\": 1}", `unexpected end of JSON input`},
		{"", "", `unexpected end of JSON input`},
		{"", `{"a": 1}`, `the body is no array of objects","line":1,"column":1`},
		{"", "[{},\n7]", `element 2 is no object","line":2,"column":1`},
		{"", `[{}] []`, `there is something behind the array`},
		{"?separator=ab", `[]`, `neither`},
		{"?seperator=tab", `[]`, `no option`},
		{"?header=maybe", `[]`, `true or false`},
	}
	for _, c := range cases {
		if status, got := post(c.query, c.body); status != 400 || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: got %d %s", c.query, c.body, status, got)
		}
	}
}
