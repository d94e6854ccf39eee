// Package wasi_keyvalue_atomics is wasi:keyvalue/atomics as Go sees it. The build writes what is in it.
package wasi_keyvalue_atomics
