package export_wasi_http_incoming_handler

import (
	"airssys/internal/guest"
	http "airssys/internal/wit/wasi_http_types"
)

func Handle(request *http.IncomingRequest, out *http.ResponseOutparam) { guest.Handle(request, out) }
