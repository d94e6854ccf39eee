// Package wasi_io_streams is wasi:io/streams as Go sees it. The build writes what is in it.
package wasi_io_streams
