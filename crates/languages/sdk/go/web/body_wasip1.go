package web

import (
	"errors"
	"io"

	"airssys"
	"airssys/internal/guest"
	"airssys/internal/wait"
	"airssys/internal/wit/runtime"
	wit "airssys/internal/wit/wasi_http_types"
	"airssys/internal/wit/wasi_io_streams"
)

// owner is the request or response that a body came with.
type owner interface{ Drop() }

// body is a body as it comes. The host wants its parts dropped in their order, which a collector does not know; so open
// ones are listed, and what a call leaves open is closed when the call has been answered.
type body struct {
	owner  owner
	body   *wit.IncomingBody
	stream *wasi_io_streams.InputStream
	rest   []byte
	err    error
}

// open lists the bodies that have not been closed.
var open = map[*body]struct{}{}

func init() { guest.AfterCall = closeBodies }

func closeBodies() {
	for one := range open {
		one.Close()
	}
}

// pieceBytes is how much is asked for at once.
const pieceBytes = 64 << 10

func newBody(incoming *wit.IncomingBody, owner owner) io.ReadCloser {
	b := &body{owner: owner, body: incoming}
	if stream := incoming.Stream(); stream.IsErr() {
		b.err = errors.New("the body was taken before")
	} else {
		b.stream = stream.Ok()
	}
	open[b] = struct{}{}
	return b
}

func (b *body) Read(into []byte) (int, error) {
	for len(b.rest) == 0 && b.err == nil {
		b.rest, b.err = b.piece()
		if len(b.rest) == 0 && b.err == nil {
			wait.For(b.stream.Subscribe())
		}
	}
	if len(b.rest) > 0 {
		n := copy(into, b.rest)
		b.rest = b.rest[n:]
		return n, nil
	}
	return 0, b.err
}

// piece is what there is now, which may be nothing.
func (b *body) piece() ([]byte, error) {
	defer runtime.Calling()()
	read := b.stream.Read(pieceBytes)
	if !read.IsErr() {
		return read.Ok(), nil
	}
	return nil, streamError(read.Err(), io.EOF)
}

func (b *body) Close() error {
	if _, still := open[b]; !still {
		return nil
	}
	delete(open, b)
	if b.stream != nil {
		b.stream.Drop()
	}
	b.body.Drop()
	b.owner.Drop()
	b.rest, b.err = nil, errors.New("read of a closed body")
	return nil
}

// streamError is why a stream goes no further: it was closed, or something failed.
func streamError(err wasi_io_streams.StreamError, closed error) error {
	if err.Tag() == wasi_io_streams.StreamErrorClosed {
		return closed
	}
	failed := err.LastOperationFailed()
	defer failed.Drop()
	if code := wit.HttpErrorCode(failed); code.Tag() == 1 {
		return codeError(code.Some())
	}
	return airssys.Errorf(airssys.Failed, "%s", failed.ToDebugString())
}
