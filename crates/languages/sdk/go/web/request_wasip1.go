package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"airssys/internal/wit/runtime"
	"airssys/internal/wit/types"
	wit "airssys/internal/wit/wasi_http_types"
)

// methods are those that have a tag of their own, by it.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

// newRequest is a request as net/http's own server would have read it.
func newRequest(incoming *wit.IncomingRequest) (*http.Request, error) {
	defer runtime.Calling()()
	target := strings.Clone(incoming.PathWithQuery().Or("/"))
	address, err := url.ParseRequestURI(target)
	if err != nil {
		incoming.Drop()
		return nil, fmt.Errorf("the request's address can't be read: %w", err)
	}
	fields := incoming.Headers()
	header := headerOf(fields)
	fields.Drop()
	host := incoming.Authority().Or("")
	if host == "" {
		host = header.Get("Host")
	}
	header.Del("Host")
	request := &http.Request{
		Method:        method(incoming.Method()),
		URL:           address,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Host:          host,
		RequestURI:    target,
		ContentLength: contentLength(header),
		Body:          http.NoBody,
	}
	if request.ContentLength == 0 {
		incoming.Drop()
	} else {
		request.Body = newBody(incoming.Consume().Ok(), incoming)
	}
	return request, nil
}

func method(m wit.Method) string {
	if int(m.Tag()) < len(methods) {
		return methods[m.Tag()]
	}
	return m.Other()
}

func witMethod(name string) wit.Method {
	switch name {
	case "", "GET":
		return wit.MakeMethodGet()
	case "HEAD":
		return wit.MakeMethodHead()
	case "POST":
		return wit.MakeMethodPost()
	case "PUT":
		return wit.MakeMethodPut()
	case "DELETE":
		return wit.MakeMethodDelete()
	case "CONNECT":
		return wit.MakeMethodConnect()
	case "OPTIONS":
		return wit.MakeMethodOptions()
	case "TRACE":
		return wit.MakeMethodTrace()
	case "PATCH":
		return wit.MakeMethodPatch()
	default:
		return wit.MakeMethodOther(name)
	}
}

func headerOf(fields *wit.Fields) http.Header {
	header := http.Header{}
	for _, entry := range fields.Entries() {
		header.Add(entry.F0, string(entry.F1))
	}
	return header
}

// fieldsOf leaves out what belongs to a connection, which is the host's affair, and what no header may hold.
func fieldsOf(header http.Header) *wit.Fields {
	fields := wit.MakeFields()
	for name, values := range header {
		for _, value := range values {
			fields.Append(name, []byte(value))
		}
	}
	return fields
}

func contentLength(header http.Header) int64 {
	length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return -1
	}
	return length
}

func some[T any](value T) types.Option[T] { return types.Some(value) }
