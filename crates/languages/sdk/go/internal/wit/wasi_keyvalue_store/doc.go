// Package wasi_keyvalue_store is wasi:keyvalue/store as Go sees it. The build writes what is in it.
package wasi_keyvalue_store
