//go:build !wasip1

package airssys

import "sync"

var services sync.Map

// Answer stands in for another service of the node, in tests. It is there natively only.
func Answer(service string, call func(in Message) (Message, error)) { services.Store(service, call) }

func callService(service string, in Message) (Message, error) {
	call, ok := services.Load(service)
	if !ok {
		return Message{}, notHere(service)
	}
	out, err := call.(func(Message) (Message, error))(in)
	if err != nil {
		return Message{}, &ServiceError{service, ServiceFault, err}
	}
	return out, nil
}

func invokeService(service, _ string, _ []string) (string, error) { return "", notHere(service) }

func notHere(service string) error {
	return &ServiceError{service, ServiceNotFound, Errorf(Unavailable, "there is no such service natively")}
}
