package airssys

import (
	"errors"
	"fmt"
)

// Kind says whose fault an error is and whether trying again can help. The host answers each with its own HTTP status
// and exit code.
type Kind uint8

// The kinds of errors.
const (
	// InvalidInput: the caller's input can't be used. The same input will fail again.
	InvalidInput Kind = iota
	// InvalidConfig: the operator's configuration can't be used. The component doesn't start with it.
	InvalidConfig
	// Denied: the caller may not do this, or the component was not granted what it needs.
	Denied
	// Unavailable: something that the component needs isn't there right now. Trying again later may help.
	Unavailable
	// Failed: anything else that went wrong inside the component.
	Failed
)

// String is the kind's word: "invalid-input".
func (k Kind) String() string {
	switch k {
	case InvalidInput:
		return "invalid-input"
	case InvalidConfig:
		return "invalid-config"
	case Denied:
		return "denied"
	case Unavailable:
		return "unavailable"
	default:
		return "failed"
	}
}

// Error is an error with its kind. Its message reaches the caller, so it holds no secret.
type Error struct {
	Kind    Kind
	Message string
	cause   error
}

// Errorf makes an error of a kind, formatted as [fmt.Errorf] does it: %w wraps.
func Errorf(kind Kind, format string, args ...any) error {
	made := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Message: made.Error(), cause: errors.Unwrap(made)}
}

func (e *Error) Error() string { return e.Message }

// Unwrap is what the error came from, if it wraps something.
func (e *Error) Unwrap() error { return e.cause }

// KindOf is the kind of an error: that of the outermost [*Error] it wraps, or Failed.
func KindOf(err error) Kind {
	var own *Error
	if errors.As(err, &own) {
		return own.Kind
	}
	return Failed
}
