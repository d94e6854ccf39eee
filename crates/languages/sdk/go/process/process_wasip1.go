package process

import (
	"airssys"
	host "airssys/internal/wit/airssys_component_process"
	"airssys/internal/wit/runtime"
)

func run(name string, stdin []byte) (Finished, error) {
	defer runtime.Calling()()
	result := host.Run(name, stdin)
	if result.IsErr() {
		return Finished{}, failed(name, result.Err())
	}
	left := result.Ok()
	return Finished{ExitCode: int(left.ExitCode), Stdout: left.Stdout, Stderr: left.Stderr}, nil
}

func failed(name string, err host.Error) error {
	switch err.Tag() {
	case host.ErrorDenied:
		return airssys.Errorf(airssys.Denied, "this component may not run %s", name)
	case host.ErrorNoSuchProgram:
		return airssys.Errorf(airssys.Failed, "%s: %w", name, ErrNoSuchProgram)
	case host.ErrorBusy:
		return airssys.Errorf(airssys.Unavailable, "%s: %s", name, err.Busy())
	case host.ErrorTooLarge:
		return airssys.Errorf(airssys.Failed, "%s: %w: %s", name, ErrTooLarge, err.TooLarge())
	default:
		return airssys.Errorf(airssys.Failed, "%s: %s", name, err.Failed())
	}
}
