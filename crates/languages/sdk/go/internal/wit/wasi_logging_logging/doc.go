// Package wasi_logging_logging is wasi:logging/logging as Go sees it. The build writes what is in it.
package wasi_logging_logging
