// Package wasi_http_types is wasi:http/types as Go sees it. The build writes what is in it.
package wasi_http_types
