package runtime

import "unsafe"

// What the host has been given memory for and no Go variable points to yet: the arguments of the call that is about to
// begin, and the answers of calls that are under way.
var arguments, answers []unsafe.Pointer

// underWay counts calls to the host whose answers are not all taken up yet.
var underWay int

// running says that Go's own memory can be used: package initialization has come this far.
var running bool

func init() { running = true }

// Unpin lets go of a call's arguments: the bindings have taken them up.
func Unpin() {
	clear(arguments)
	arguments = arguments[:0]
}

// Calling begins a call to the host that can answer with memory, and returns its end, which lets go of the answer.
// Without it an answer is held until this component is called again: too long for one that reads a large body by
// pieces, or is never called again.
func Calling() func() {
	underWay++
	return called
}

func called() {
	underWay--
	if underWay == 0 {
		clear(answers)
		answers = answers[:0]
	}
}

// cabiRealloc gives the host memory. Nothing may call the host meanwhile: it takes no calls while it waits. A collection
// would; with its P pinned, a goroutine allocates without starting or assisting one, and the next allocation elsewhere
// starts what was put off. Reading the clock would too, which the heap does as it grows; so the adapter is told to answer
// with the time that it last knew.
//
//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil || oldSize != 0 {
		panic("the host asked for memory to be made larger, which no call of it does")
	}
	if !running {
		return early(align, size)
	}
	procPin()
	pauseClock(true)
	pointer := allocate(size, align)
	if underWay > 0 {
		answers = append(answers, pointer)
	} else {
		arguments = append(arguments, pointer)
	}
	pauseClock(false)
	procUnpin()
	return pointer
}

// early gives memory before there is a heap, for good: the preview 1 adapter asks for its own when the runtime makes its
// first call.
func early(align, size uintptr) unsafe.Pointer {
	room := sbrk(size + align)
	return unsafe.Pointer((uintptr(room) + align - 1) &^ (align - 1))
}

//go:wasmimport wasi_snapshot_preview1 adapter_monotonic_clock_set_paused
func pauseClock(paused bool)

//go:linkname sbrk runtime.sbrk
func sbrk(size uintptr) unsafe.Pointer

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
