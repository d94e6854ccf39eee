// Package runtime is what the bindings stand on: handles of the host's resources, and the memory that the host writes
// arguments and answers into.
package runtime

// Handle is the number by which the host knows a resource; 0 once it is given away.
type Handle struct {
	number int32
}

// MakeHandle holds a resource that the host has just handed over.
func MakeHandle(number int32) *Handle {
	h := &Handle{}
	h.Set(number)
	return h
}

// Use is the number, for a call that borrows the resource.
func (h *Handle) Use() int32 {
	if h.number == 0 {
		panic("the resource was given away or dropped before")
	}
	return h.number
}

// Take is the number, for a call that keeps the resource.
func (h *Handle) Take() int32 {
	number := h.Use()
	h.number = 0
	return number
}

// TakeOrNil is the number, or 0 if it was taken before.
func (h *Handle) TakeOrNil() int32 {
	number := h.number
	h.number = 0
	return number
}

// Set holds a resource where none is.
func (h *Handle) Set(number int32) {
	if number == 0 || h.number != 0 {
		panic("a handle holds one resource")
	}
	h.number = number
}
