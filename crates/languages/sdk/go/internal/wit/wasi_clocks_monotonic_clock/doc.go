// Package wasi_clocks_monotonic_clock is wasi:clocks/monotonic-clock as Go sees it. The build writes what is in it.
package wasi_clocks_monotonic_clock
