package airssys

import (
	"context"
	"time"
)

// Call is what a component may know of the call that it answers.
type Call struct {
	// RequestID is the same in the caller's answer, in the log and in the audit trail.
	RequestID string
	// TraceParent is the caller's W3C traceparent, to be handed on with calls that this one makes; empty if there is none.
	TraceParent string
	// TimeLeft is what was left of the call's time limit when the call began; 0 if it has no limit. The context has the
	// deadline that follows from it.
	TimeLeft time.Duration
	// Caller is the name of a service or a principal; empty for a caller who has no name.
	Caller string
	// Attempt is 1 for the first try, 2 for its first repetition, and so on.
	Attempt int
}

type callKey struct{}

// CallOf is the call that a context came with, or a call of which nothing is known.
func CallOf(ctx context.Context) Call {
	call, _ := ctx.Value(callKey{}).(Call)
	return call
}

// WithCall is a context with a call, for tests.
func WithCall(ctx context.Context, call Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}
