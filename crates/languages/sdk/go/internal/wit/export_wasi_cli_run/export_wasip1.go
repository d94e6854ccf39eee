package export_wasi_cli_run

import (
	"airssys/internal/guest"
	"airssys/internal/wit/types"
)

// Run runs main to its end. One that fails ends by os.Exit, which does not come back here.
func Run() types.Result[types.Unit, types.Unit] {
	guest.Main()
	return types.Ok[types.Unit, types.Unit](types.Unit{})
}
