package airssys

import (
	host "airssys/internal/wit/airssys_component_services"
	"airssys/internal/wit/runtime"
)

func callService(service string, in Message) (Message, error) {
	defer runtime.Calling()()
	result := host.Call(service, toInput(in))
	if result.IsErr() {
		return Message{}, serviceError(service, result.Err())
	}
	return fromInput(host.Input(result.Ok())), nil
}

func invokeService(service, function string, arguments []string) (string, error) {
	defer runtime.Calling()()
	result := host.Invoke(service, function, arguments)
	if result.IsErr() {
		return "", serviceError(service, result.Err())
	}
	return result.Ok(), nil
}

func serviceError(service string, err host.CallError) error {
	failed := &ServiceError{Service: service, Reason: Reason(err.Tag())}
	switch failed.Reason {
	case ServiceDenied:
		failed.Err = Errorf(Denied, "this component may not call it")
	case ServiceNotFound:
		failed.Err = Errorf(Failed, "%s", err.NotFound())
	case ServiceLoop:
		failed.Err = Errorf(Failed, "the call would wait for itself")
	case ServiceInvalid:
		failed.Err = Errorf(Failed, "%s", err.Invalid())
	case ServiceBusy:
		failed.Err = Errorf(Unavailable, "%s", err.Busy())
	case ServiceTimedOut:
		failed.Err = Errorf(Unavailable, "%s", err.TimedOut())
	case ServiceFault:
		fault := err.Fault()
		failed.Err = Errorf(Kind(fault.Kind), "%s", fault.Message)
	default:
		failed.Err = Errorf(Failed, "%s", err.Failed())
	}
	return failed
}
