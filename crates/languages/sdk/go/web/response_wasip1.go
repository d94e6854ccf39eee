package web

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"airssys/internal/wait"
	"airssys/internal/wit/types"
	wit "airssys/internal/wit/wasi_http_types"
	"airssys/internal/wit/wasi_io_streams"
)

// response is an http.ResponseWriter that gathers small writes, and an http.Flusher that sends them.
type response struct {
	out    *wit.ResponseOutparam
	header http.Header
	head   bool
	status int
	buffer []byte
	sent   *outgoing
	err    error
}

// gatherBytes is how much is gathered before it is sent. A response that ends before says its length.
const gatherBytes = 32 << 10

func newResponse(out *wit.ResponseOutparam) *response {
	return &response{out: out, header: http.Header{}}
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	// An informational response has no place in wasi:http.
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *response) Write(bytes []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.WriteHeader(http.StatusOK)
	if !hasBody(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if w.head {
		return len(bytes), nil
	}
	if len(w.buffer)+len(bytes) <= gatherBytes {
		w.buffer = append(w.buffer, bytes...)
		return len(bytes), nil
	}
	w.send(bytes)
	return len(bytes), w.err
}

// Flush sends what was gathered.
func (w *response) Flush() {
	w.WriteHeader(http.StatusOK)
	w.send(nil)
	if w.err == nil {
		w.err = w.sent.flush()
	}
}

// send sends the head, if it was not, what was gathered, and what came last.
func (w *response) send(last []byte) {
	if w.sent == nil {
		w.begin(last)
	}
	if w.err == nil && len(w.buffer) > 0 {
		w.err = w.sent.write(w.buffer)
	}
	w.buffer = w.buffer[:0]
	if w.err == nil && len(last) > 0 {
		w.err = w.sent.write(last)
	}
}

func (w *response) begin(last []byte) {
	if _, told := w.header["Content-Type"]; !told && hasBody(w.status) && len(w.buffer)+len(last) > 0 {
		sample := w.buffer
		if len(sample) == 0 {
			sample = last
		}
		w.header.Set("Content-Type", http.DetectContentType(sample))
	}
	made := wit.MakeOutgoingResponse(fieldsOf(w.header))
	made.SetStatusCode(uint16(w.status))
	body := made.Body().Ok()
	wit.ResponseOutparamSet(w.out, types.Ok[*wit.OutgoingResponse, wit.ErrorCode](made))
	w.sent = newOutgoing(body)
}

func (w *response) finish() {
	w.WriteHeader(http.StatusOK)
	if w.sent == nil && !w.head && hasBody(w.status) && w.header.Get("Content-Length") == "" {
		w.header.Set("Content-Length", strconv.Itoa(len(w.buffer)))
	}
	w.send(nil)
	if w.err != nil {
		w.sent.abort()
		return
	}
	// A caller who has gone away is no error of ours.
	_ = w.sent.finish()
}

// abort ends a response that its handler did not: by an error if nothing was sent, else by breaking it off.
func (w *response) abort() {
	if w.sent != nil {
		w.sent.abort()
		return
	}
	w.header, w.buffer, w.status = http.Header{}, nil, 0
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	w.finish()
}

func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// outgoing is a body that is being sent: a response's, or a request's.
type outgoing struct {
	body   *wit.OutgoingBody
	stream *wasi_io_streams.OutputStream
}

func newOutgoing(body *wit.OutgoingBody) *outgoing {
	return &outgoing{body, body.Write().Ok()}
}

var errGone = errors.New("the other side has gone away")

// write sends bytes as fast as the other side takes them.
func (o *outgoing) write(bytes []byte) error {
	for len(bytes) > 0 {
		room, err := o.room()
		if err != nil {
			return err
		}
		n := min(room, uint64(len(bytes)))
		if wrote := o.stream.Write(bytes[:n]); wrote.IsErr() {
			return streamError(wrote.Err(), errGone)
		}
		bytes = bytes[n:]
	}
	return nil
}

// room waits until the other side takes something, and says how much.
func (o *outgoing) room() (uint64, error) {
	for {
		room := o.stream.CheckWrite()
		if room.IsErr() {
			return 0, streamError(room.Err(), errGone)
		}
		if room.Ok() > 0 {
			return room.Ok(), nil
		}
		wait.For(o.stream.Subscribe())
	}
}

// flush lets nothing wait for more.
func (o *outgoing) flush() error {
	if flushed := o.stream.Flush(); flushed.IsErr() {
		return streamError(flushed.Err(), errGone)
	}
	return nil
}

// readFrom sends all of a reader.
func (o *outgoing) readFrom(reader io.Reader) error {
	buffer := make([]byte, gatherBytes)
	for {
		n, err := reader.Read(buffer)
		if n > 0 {
			if err := o.write(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// finish ends a body when the other side has taken all of it.
func (o *outgoing) finish() error {
	err := o.flush()
	if err == nil {
		_, err = o.room()
	}
	if err != nil {
		o.abort()
		return err
	}
	o.stream.Drop()
	if finished := wit.OutgoingBodyFinish(o.body, types.None[*wit.Fields]()); finished.IsErr() {
		return codeError(finished.Err())
	}
	return nil
}

// abort drops a body before its end, which the other side sees as broken off.
func (o *outgoing) abort() {
	o.stream.Drop()
	o.body.Drop()
}
