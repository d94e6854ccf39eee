package guest

import (
	"sync"

	contract "airssys/internal/wit/airssys_component_types"
	"airssys/internal/wit/types"
	http "airssys/internal/wit/wasi_http_types"
)

// Done is the result of what answers nothing.
type Done = types.Result[types.Unit, contract.Error]

// Ask is a capability that is asked for. The contract's own type is there for handlers only.
type Ask struct {
	Right        uint8
	Name, Reason string
}

// What answers each export. The packages that own them set them when they are initialized.
var (
	Init     func(config string) Done
	Health   func() Done
	Shutdown func()
	Execute  func(contract.Context, contract.Input) types.Result[contract.Output, contract.Error]
	Required func() []Ask
	Save     func() types.Result[[]uint8, contract.Error]
	Restore  func(saved []uint8, savedBy string) Done
	Handle   func(*http.IncomingRequest, *http.ResponseOutparam)
)

// AfterCall is what is done when a call has been answered, such as closing what it left open.
var AfterCall = func() {}

// Main runs the component's main function, once. A host calls exports only, and never main itself.
var Main = sync.OnceFunc(userMain)
