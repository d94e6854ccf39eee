package airssys

import (
	"context"
	"time"

	"airssys/internal/guest"
	contract "airssys/internal/wit/airssys_component_types"
	"airssys/internal/wit/types"
	_ "airssys/internal/wit/wit_exports" // what the host calls
)

// The component that main has run, and the handler that init has opened.
var (
	registered *component
	handler    Handler
)

// run is looked for by the build, which refuses a component that never comes here.
//
//go:noinline
func run(c component) { registered = &c }

func init() {
	guest.Init = func(config string) guest.Done { return done(open(config)) }
	guest.Health = func() guest.Done { return done(health()) }
	guest.Shutdown = shutdown
	guest.Execute = answer
	guest.Required = required
	guest.Save = save
	guest.Restore = func(saved []uint8, savedBy string) guest.Done { return done(restore(saved, savedBy)) }
}

func open(config string) (err error) {
	defer recovered(&err)
	guest.Main()
	if registered == nil {
		return Errorf(Failed, "main has returned without calling airssys.Run")
	}
	handler, err = registered.open(config)
	return err
}

func answer(call contract.Context, in contract.Input) types.Result[contract.Output, contract.Error] {
	defer guest.AfterCall()
	left := time.Duration(call.DeadlineNs.Or(0))
	ctx := WithCall(context.Background(), Call{
		RequestID:   call.RequestId,
		TraceParent: call.TraceParent.Or(""),
		TimeLeft:    left,
		Caller:      call.Caller.Or(""),
		Attempt:     int(call.Attempt),
	})
	if left > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	out, err := execute(ctx, handler, fromInput(in))
	if err != nil {
		return types.Err[contract.Output](told(err))
	}
	return types.Ok[contract.Output, contract.Error](contract.Output(toInput(out)))
}

func health() (err error) {
	defer recovered(&err)
	if checker, ok := handler.(Checker); ok {
		return checker.Health()
	}
	return nil
}

func shutdown() {
	var err error
	defer recovered(&err)
	if closer, ok := handler.(Closer); ok {
		// There is nobody left to tell.
		_ = closer.Close()
	}
}

func save() types.Result[[]uint8, contract.Error] {
	saved, err := state()
	if err != nil {
		return types.Err[[]uint8](told(err))
	}
	return types.Ok[[]uint8, contract.Error](saved)
}

func state() (saved []byte, err error) {
	defer recovered(&err)
	if stateful, ok := handler.(Stateful); ok {
		return stateful.Save()
	}
	return nil, nil
}

func restore(saved []byte, savedBy string) (err error) {
	defer recovered(&err)
	if stateful, ok := handler.(Stateful); ok {
		return stateful.Restore(saved, savedBy)
	}
	return nil
}

func required() []guest.Ask {
	guest.Main()
	if registered == nil {
		return nil
	}
	var asks []guest.Ask
	for _, ask := range registered.asks {
		asks = append(asks, guest.Ask{Right: uint8(ask.right), Name: ask.name, Reason: ask.reason})
	}
	return asks
}

func done(err error) guest.Done {
	if err != nil {
		return types.Err[types.Unit](told(err))
	}
	return types.Ok[types.Unit, contract.Error](types.Unit{})
}

// told is an error as the host tells it.
func told(err error) contract.Error {
	return contract.Error{Kind: uint8(KindOf(err)), Message: mended(err.Error())}
}
