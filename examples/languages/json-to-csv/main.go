// Turns a JSON array of objects into CSV: POST it, and get its table.
package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"airssys/web"
)

func service() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", convertRequest)
	return mux
}

func convertRequest(w http.ResponseWriter, r *http.Request) {
	options, err := readOptions(r.URL.Query())
	if err != nil {
		refuse(w, problem{Detail: err.Error()})
		return
	}
	header := "absent"
	if options.header {
		header = "present"
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header="+header)
	out := &begun{ResponseWriter: w}
	err = convert(out, r.Body, options)
	var found *problem
	switch {
	case err == nil:
	case out.yes:
		// What was sent can't be taken back: breaking off is the only way to say that it is not all.
		panic(http.ErrAbortHandler)
	case errors.As(err, &found):
		refuse(w, *found)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// begun knows whether anything was written.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) Write(bytes []byte) (int, error) {
	b.yes = b.yes || len(bytes) > 0
	return b.ResponseWriter.Write(bytes)
}

func refuse(w http.ResponseWriter, p problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusBadRequest)
	// A caller who has gone away is no error of ours.
	_ = json.NewEncoder(w).Encode(p)
}

func main() {
	web.Serve(service())
}
