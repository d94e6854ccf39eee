// Package wasi_io_poll is wasi:io/poll as Go sees it. The build writes what is in it.
package wasi_io_poll
