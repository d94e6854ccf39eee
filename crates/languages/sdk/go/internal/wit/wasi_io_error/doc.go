// Package wasi_io_error is wasi:io/error as Go sees it. The build writes what is in it.
package wasi_io_error
