// An HTTP service: net/http, over the host's wasi:http.
package main

import (
	"bytes"
	"io"
	"net/http"

	"airssys/web"
)

func service() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", hello)
	mux.HandleFunc("POST /shout", shout)
	return mux
}

func hello(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "hello\n")
}

func shout(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Write(bytes.ToUpper(text))
}

func main() {
	web.Serve(service())
}
