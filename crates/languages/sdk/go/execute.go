package airssys

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// execute answers a call, and turns a panic into an error: it costs this call, not the instance.
func execute(ctx context.Context, handler Handler, in Message) (out Message, err error) {
	defer recovered(&err)
	return handler.Execute(ctx, in)
}

// recovered makes a panic the error of the function that defers it. Where it came from is for the log, not the caller.
func recovered(err *error) {
	if cause := recover(); cause != nil {
		slog.Error(fmt.Sprintf("panic: %v", cause), "stack", string(debug.Stack()))
		*err = Errorf(Failed, "panic: %v", cause)
	}
}
