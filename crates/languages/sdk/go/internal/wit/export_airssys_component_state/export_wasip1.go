package export_airssys_component_state

import (
	"airssys/internal/guest"
	contract "airssys/internal/wit/airssys_component_types"
	"airssys/internal/wit/types"
)

func Save() types.Result[[]uint8, contract.Error] { return guest.Save() }

func Restore(saved []uint8, savedBy string) guest.Done { return guest.Restore(saved, savedBy) }
