// Package web is HTTP by net/http: a component that answers requests, and one that makes them.
//
// A component of the http kind hands its handler to Serve:
//
//	func main() {
//		http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
//			fmt.Fprintln(w, "hello")
//		})
//		web.Serve(nil)
//	}
//
// In any component that imports this package http.Get, http.Client and all that stands on http.DefaultTransport send
// their requests by the host, which checks each against what the component was granted:
//
//	import _ "airssys/web"
//
// A refusal is an error of kind [airssys.Denied], in the *url.Error that the client makes of it. Natively, requests go
// over the machine's own network.
package web

import "net/http"

// Serve makes main a component that answers HTTP requests, http.DefaultServeMux's if the handler is nil. It returns at
// once where a host runs the component. Natively it serves $PORT or port 8000 of the local machine until it is stopped.
func Serve(handler http.Handler) {
	if handler == nil {
		handler = http.DefaultServeMux
	}
	serve(handler)
}
