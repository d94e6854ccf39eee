// Package wasi_config_store is wasi:config/store as Go sees it. The build writes what is in it.
package wasi_config_store
