package airssys

import "fmt"

// Reason says why a call of another service has no answer.
type Reason uint8

// The reasons.
const (
	// ServiceDenied: the component has no right to it.
	ServiceDenied Reason = iota
	// ServiceNotFound: there is no such service, or it has no handler or function of that name.
	ServiceNotFound
	// ServiceLoop: the call would wait for itself, or calls call one another without end.
	ServiceLoop
	// ServiceInvalid: what was sent is not what the service takes. The same will fail again.
	ServiceInvalid
	// ServiceBusy: the service takes no more calls now, or this component makes no more: to be tried again.
	ServiceBusy
	// ServiceTimedOut: it took longer than the service's calls may.
	ServiceTimedOut
	// ServiceFault: the service answered with an error of its own.
	ServiceFault
	// ServiceFailed: it was stopped at a limit, it trapped, or the node failed.
	ServiceFailed
)

// ServiceError is why a call of another service has no answer. It wraps an [*Error] of the kind that this component's
// own caller is told, or for [ServiceFault] the service's own error.
type ServiceError struct {
	Service string
	Reason  Reason
	Err     error
}

func (e *ServiceError) Error() string { return fmt.Sprintf("service %s: %v", e.Service, e.Err) }

// Unwrap is the error itself.
func (e *ServiceError) Unwrap() error { return e.Err }

// CallService calls the handler of another service of the node, and waits for its answer. The metadata may say what its
// routing and its actors go by, as headers of a request would. A service that speaks HTTP is called by net/http, with
// package web, at http://NAME.airssys.internal/.
//
// Natively the service is what [Answer] names.
func CallService(service string, in Message) (Message, error) { return callService(service, in) }

// InvokeService calls a function of another service, "name" or "interface#name", with arguments in WAVE (`"a text"`,
// `[1, 2]`), and waits for its result in WAVE; empty where it returns nothing.
func InvokeService(service, function string, arguments ...string) (string, error) {
	return invokeService(service, function, arguments)
}
