package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"airssys/internal/guest"
	wit "airssys/internal/wit/wasi_http_types"
)

// What main has handed over.
var served http.Handler

// serve is looked for by the build, which refuses a component that never comes here.
//
//go:noinline
func serve(handler http.Handler) { served = handler }

func init() { guest.Handle = handle }

func handle(incoming *wit.IncomingRequest, out *wit.ResponseOutparam) {
	guest.Main()
	w := newResponse(out)
	defer closeBodies()
	request, err := newRequest(incoming)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		w.finish()
		return
	}
	w.head = request.Method == http.MethodHead
	if answered(w, request) {
		w.finish()
	} else {
		w.abort()
	}
}

// answered runs the handler, and says whether it came to its end. A panic costs this request only; where it came from is
// for the log.
func answered(w *response, r *http.Request) (whole bool) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		whole = false
		if cause != http.ErrAbortHandler {
			slog.Error(fmt.Sprintf("panic: %v", cause), "stack", string(debug.Stack()))
		}
	}()
	if served == nil {
		panic("main has returned without calling web.Serve")
	}
	served.ServeHTTP(w, r)
	return true
}
