package web

import (
	"errors"
	"net/http"
	"time"

	"airssys"
	"airssys/internal/wait"
	"airssys/internal/wit/runtime"
	"airssys/internal/wit/types"
	"airssys/internal/wit/wasi_http_outgoing_handler"
	wit "airssys/internal/wit/wasi_http_types"
)

func init() { http.DefaultTransport = transport{} }

// transport is an http.RoundTripper by the host. It has no state.
type transport struct{}

func (transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	outgoing, err := outgoingOf(r)
	if err != nil {
		return nil, err
	}
	body := newOutgoing(outgoing.Body().Ok())
	begun := wasi_http_outgoing_handler.Handle(outgoing, options(r))
	if begun.IsErr() {
		body.abort()
		return nil, codeError(begun.Err())
	}
	future := begun.Ok()
	defer future.Drop()
	sent := send(body, r)
	incoming, err := answer(future)
	if err != nil {
		if sent != nil && sent != errGone {
			err = errors.Join(sent, err)
		}
		return nil, err
	}
	return responseOf(incoming, r), nil
}

func outgoingOf(r *http.Request) (*wit.OutgoingRequest, error) {
	if r.URL == nil || r.URL.Host == "" {
		return nil, errors.New("the request's URL has no host")
	}
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if r.ContentLength > 0 && header.Get("Content-Length") == "" {
		header.Set("Content-Length", itoa(r.ContentLength))
	}
	outgoing := wit.MakeOutgoingRequest(fieldsOf(header))
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	refused := outgoing.SetMethod(witMethod(r.Method)).IsErr() ||
		outgoing.SetScheme(some(scheme(r.URL.Scheme))).IsErr() ||
		outgoing.SetAuthority(some(host)).IsErr() ||
		outgoing.SetPathWithQuery(some(r.URL.RequestURI())).IsErr()
	if refused {
		outgoing.Drop()
		return nil, errors.New("the request's method or URL is not one of HTTP")
	}
	return outgoing, nil
}

func scheme(name string) wit.Scheme {
	switch name {
	case "http":
		return wit.MakeSchemeHttp()
	case "https":
		return wit.MakeSchemeHttps()
	default:
		return wit.MakeSchemeOther(name)
	}
}

// options hands the context's deadline to the host, which waits no longer for anything.
func options(r *http.Request) types.Option[*wit.RequestOptions] {
	deadline, ok := r.Context().Deadline()
	if !ok {
		return types.None[*wit.RequestOptions]()
	}
	left := some(uint64(max(time.Until(deadline), time.Millisecond)))
	o := wit.MakeRequestOptions()
	o.SetConnectTimeout(left)
	o.SetFirstByteTimeout(left)
	o.SetBetweenBytesTimeout(left)
	return some(o)
}

// send sends the request's body. That it could not be sent is no error if an answer comes anyway.
func send(body *outgoing, r *http.Request) error {
	if r.Body != nil && r.Body != http.NoBody {
		if err := body.readFrom(r.Body); err != nil {
			body.abort()
			return err
		}
	}
	return body.finish()
}

// answer waits for the response's head.
func answer(future *wit.FutureIncomingResponse) (*wit.IncomingResponse, error) {
	wait.For(future.Subscribe())
	defer runtime.Calling()()
	result := future.Get().Some().Ok()
	if result.IsErr() {
		return nil, codeError(result.Err())
	}
	return result.Ok(), nil
}

func responseOf(incoming *wit.IncomingResponse, r *http.Request) *http.Response {
	defer runtime.Calling()()
	fields := incoming.Headers()
	header := headerOf(fields)
	fields.Drop()
	status := int(incoming.Status())
	return &http.Response{
		Status:        itoa(int64(status)) + " " + http.StatusText(status),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		ContentLength: contentLength(header),
		Body:          newBody(incoming.Consume().Ok(), incoming),
		Request:       r,
	}
}

// codeError is one of wasi:http's codes as an error of the kind that this component's own caller is told.
func codeError(code wit.ErrorCode) error {
	switch tag := code.Tag(); tag {
	case wit.ErrorCodeHttpRequestDenied:
		return airssys.Errorf(airssys.Denied, "this component may not send that request")
	case wit.ErrorCodeInternalError:
		return airssys.Errorf(airssys.Failed, "%s", code.InternalError().Or(codes[tag]))
	case wit.ErrorCodeDnsTimeout, wit.ErrorCodeDnsError, wit.ErrorCodeDestinationUnavailable,
		wit.ErrorCodeConnectionRefused, wit.ErrorCodeConnectionTerminated, wit.ErrorCodeConnectionTimeout,
		wit.ErrorCodeConnectionReadTimeout, wit.ErrorCodeConnectionWriteTimeout,
		wit.ErrorCodeConnectionLimitReached, wit.ErrorCodeHttpResponseTimeout:
		return airssys.Errorf(airssys.Unavailable, "%s", codes[tag])
	default:
		return airssys.Errorf(airssys.Failed, "%s", codes[tag])
	}
}
