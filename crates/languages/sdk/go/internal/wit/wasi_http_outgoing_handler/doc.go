// Package wasi_http_outgoing_handler is wasi:http/outgoing-handler as Go sees it. The build writes what is in it.
package wasi_http_outgoing_handler
