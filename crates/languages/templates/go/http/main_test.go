package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhatIsPostedIsShouted(t *testing.T) {
	w := httptest.NewRecorder()
	service().ServeHTTP(w, httptest.NewRequest("POST", "/shout", strings.NewReader("ada")))
	if w.Code != 200 || w.Body.String() != "ADA" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestAnotherPageIsNotThere(t *testing.T) {
	w := httptest.NewRecorder()
	service().ServeHTTP(w, httptest.NewRequest("GET", "/nowhere", nil))
	if w.Code != 404 {
		t.Errorf("got %d", w.Code)
	}
}
