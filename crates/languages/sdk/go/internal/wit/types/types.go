// Package types holds the shapes of WIT that Go has no type for. The bindings name them.
package types

// Unit is the one value of a type that has only one.
type Unit struct{}

// Tuple2 is a pair.
type Tuple2[A, B any] struct {
	F0 A
	F1 B
}

// The tags of an Option.
const (
	OptionNone = 0
	OptionSome = 1
)

// Option is a value, or none.
type Option[T any] struct {
	tag   uint8
	value T
}

// None is an option without its value.
func None[T any]() Option[T] { return Option[T]{} }

// Some is an option with its value.
func Some[T any](value T) Option[T] { return Option[T]{OptionSome, value} }

// Tag says whether there is a value.
func (o Option[T]) Tag() uint8 { return o.tag }

// Some is the value, which has to be there.
func (o Option[T]) Some() T {
	if o.tag != OptionSome {
		panic("there is no value")
	}
	return o.value
}

// Or is the value, or another where there is none.
func (o Option[T]) Or(other T) T {
	if o.tag == OptionSome {
		return o.value
	}
	return other
}

// The tags of a Result.
const (
	ResultOk  = 0
	ResultErr = 1
)

// Result is what came of a call, or why nothing did.
type Result[T, E any] struct {
	tag uint8
	ok  T
	err E
}

// Ok is a result that is one.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{ok: value} }

// Err is a result that is an error.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{tag: ResultErr, err: err} }

// Tag says which of the two it is.
func (r Result[T, E]) Tag() uint8 { return r.tag }

// IsErr says whether it is an error.
func (r Result[T, E]) IsErr() bool { return r.tag == ResultErr }

// Ok is what came of it, which has to be there.
func (r Result[T, E]) Ok() T {
	if r.tag != ResultOk {
		panic("the result is an error")
	}
	return r.ok
}

// Err is the error, which has to be there.
func (r Result[T, E]) Err() E {
	if r.tag != ResultErr {
		panic("the result is no error")
	}
	return r.err
}
