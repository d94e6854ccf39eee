// Package export_wasi_cli_run answers wasi:cli/run. It is empty natively.
package export_wasi_cli_run
