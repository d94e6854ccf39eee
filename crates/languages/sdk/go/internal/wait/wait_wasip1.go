package wait

import (
	"runtime"
	"slices"

	wit "airssys/internal/wit/runtime"
	"airssys/internal/wit/wasi_io_poll"
)

// waiting is what goroutines wait for, each for one.
var waiting []*entry

type entry struct {
	pollable *wasi_io_poll.Pollable
	ready    bool
}

// For waits until the host says that something is ready, and drops what it was asked by.
func For(pollable *wasi_io_poll.Pollable) {
	defer pollable.Drop()
	if pollable.Ready() {
		return
	}
	mine := &entry{pollable: pollable}
	waiting = append(waiting, mine)
	for !mine.ready {
		// Every other goroutine that can run does so before this one comes back, so that what is left waits too.
		runtime.Gosched()
		if !mine.ready {
			poll()
		}
	}
}

// poll blocks the whole component until something is ready that a goroutine waits for.
func poll() {
	defer wit.Calling()()
	pollables := make([]*wasi_io_poll.Pollable, len(waiting))
	for i, one := range waiting {
		pollables[i] = one.pollable
	}
	for _, i := range wasi_io_poll.Poll(pollables) {
		waiting[i].ready = true
	}
	waiting = slices.DeleteFunc(waiting, func(one *entry) bool { return one.ready })
}
