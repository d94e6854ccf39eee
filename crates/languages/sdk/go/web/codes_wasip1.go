package web

import "strconv"

// codes says wasi:http's error codes in words, by their tag.
var codes = [...]string{
	"the name was not resolved in time",
	"the name can't be resolved",
	"there is no such destination",
	"the destination is not available",
	"the destination's address is not allowed",
	"there is no route to the destination",
	"the connection was refused",
	"the connection was broken off",
	"no connection was made in time",
	"nothing was read in time",
	"nothing was written in time",
	"there are too many connections",
	"TLS: the other side does not keep to the protocol",
	"TLS: the certificate is not good",
	"TLS: the other side refused",
	"the request was denied",
	"the request must say its length",
	"the request's body is too large",
	"the request's method is not valid",
	"the request's address is not valid",
	"the request's address is too long",
	"the request's headers are too large",
	"a header of the request is too large",
	"the request's trailers are too large",
	"a trailer of the request is too large",
	"the response is not whole",
	"the response's headers are too large",
	"a header of the response is too large",
	"the response's body is too large",
	"the response's trailers are too large",
	"a trailer of the response is too large",
	"the response's transfer coding is not known",
	"the response's content coding is not known",
	"no response came in time",
	"the protocol can't be changed",
	"the other side does not keep to HTTP",
	"the request would come back to itself",
	"the host is not set up for it",
	"something failed within the host",
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
