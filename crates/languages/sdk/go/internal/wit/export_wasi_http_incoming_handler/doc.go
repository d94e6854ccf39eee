// Package export_wasi_http_incoming_handler answers wasi:http/incoming-handler. It is empty natively.
package export_wasi_http_incoming_handler
