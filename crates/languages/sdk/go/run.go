package airssys

import "context"

// Handler answers calls. A type that also implements [Checker], [Closer] or [Stateful] is asked for that too.
type Handler interface {
	// Execute answers one call. An instance gets one at a time. The context carries the call's time limit, and who calls,
	// for [CallOf]. An error that is no [*Error] is told to the caller as one of kind [Failed], and so is a panic.
	Execute(ctx context.Context, in Message) (Message, error)
}

// Checker is a Handler that knows whether it can go on. It is asked between calls, and replaced if it can't.
type Checker interface {
	Health() error
}

// Closer is a Handler that is told when it is let go in peace. An instance can also end without it.
type Closer interface {
	Close() error
}

// Stateful is a Handler whose state the host keeps across calls, restarts and versions: an actor, which Component.toml
// says with [instances] model = "actor".
type Stateful interface {
	// Save is the state as it is now. It is asked after each call; a state that has not changed should come out with the
	// same bytes, which are not stored again.
	Save() ([]byte, error)
	// Restore takes up a saved state, before the first call. version is that of the release which saved it: an older one,
	// or after a rollback a newer one. An error fails the update, and leaves the state with the version that has it.
	Restore(saved []byte, version string) error
}

// Run makes main a component. open makes its handler, once, before the first call; what it needs beyond its own memory
// is asked for behind it, each with its reason. Run returns at once where a host runs the component.
//
// The configuration is the [config] of Component.toml with the operator's values over it. It is read into a C by
// encoding/json, and a name that C has no field for is refused; a map or a [json.RawMessage] takes all names. An error
// of open fails the deployment before any call reaches it: use [InvalidConfig] where the configuration is to blame.
//
// Natively, Run answers standard input on standard output; the configuration, as JSON, is the first argument.
func Run[C any, H Handler](open func(config C) (H, error), asks ...Capability) {
	run(component{
		open: func(config string) (Handler, error) {
			var c C
			if err := decodeConfig(config, &c); err != nil {
				return nil, err
			}
			return open(c)
		},
		asks: asks,
	})
}

// component is what Run was given.
type component struct {
	open func(config string) (Handler, error)
	asks []Capability
}
