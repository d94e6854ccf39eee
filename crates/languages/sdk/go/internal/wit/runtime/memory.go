package runtime

import (
	"runtime"
	"unsafe"
)

// Allocate makes memory for a call's arguments or answer, and holds it for as long as the pinner does.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	pointer := allocate(size, align)
	pinner.Pin(pointer)
	return pointer
}

// allocate makes memory without pointers in it. The collector aligns an object by its element's type.
func allocate(size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	switch align {
	case 1:
		return unsafe.Pointer(unsafe.SliceData(make([]uint8, size)))
	case 2:
		return unsafe.Pointer(unsafe.SliceData(make([]uint16, (size+1)/2)))
	case 4:
		return unsafe.Pointer(unsafe.SliceData(make([]uint32, (size+3)/4)))
	default:
		return unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	}
}
