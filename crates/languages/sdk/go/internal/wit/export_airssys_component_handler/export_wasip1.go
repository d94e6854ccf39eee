package export_airssys_component_handler

import (
	"airssys/internal/guest"
	contract "airssys/internal/wit/airssys_component_types"
	"airssys/internal/wit/types"
)

func Execute(call contract.Context, in contract.Input) types.Result[contract.Output, contract.Error] {
	return guest.Execute(call, in)
}
