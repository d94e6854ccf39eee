package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
)

// problem is what is wrong with a request, as application/problem+json. Lines and columns begin at 1.
type problem struct {
	Detail string `json:"detail"`
	Line   int    `json:"line,omitempty"`
	Column int64  `json:"column,omitempty"`
	Offset int64  `json:"offset,omitempty"`
}

func (p *problem) Error() string { return p.Detail }

// row is an object: its names in their order, and the text of each cell.
type row struct {
	names []string
	cells map[string]string
}

// objects reads the objects of a JSON array, one after the other.
type objects struct {
	decoder *json.Decoder
	lines   *lines
	count   int
}

func newObjects(r io.Reader) (*objects, error) {
	lines := &lines{reader: r}
	o := &objects{decoder: json.NewDecoder(lines), lines: lines}
	token, err := o.decoder.Token()
	if err != nil {
		return nil, o.problem(err)
	}
	if token != json.Delim('[') {
		return nil, o.at("the body is no array of objects")
	}
	return o, nil
}

// next is the next object, or none at the array's end.
func (o *objects) next() (row, bool, error) {
	if !o.decoder.More() {
		return row{}, false, o.end()
	}
	o.count++
	token, err := o.decoder.Token()
	if err != nil {
		return row{}, false, o.problem(err)
	}
	if token != json.Delim('{') {
		return row{}, false, o.at(fmt.Sprintf("element %d is no object", o.count))
	}
	one := row{cells: map[string]string{}}
	for o.decoder.More() {
		if err := o.member(&one); err != nil {
			return row{}, false, o.problem(err)
		}
	}
	if _, err := o.decoder.Token(); err != nil {
		return row{}, false, o.problem(err)
	}
	return one, true, nil
}

func (o *objects) member(one *row) error {
	token, err := o.decoder.Token()
	if err != nil {
		return err
	}
	name, _ := token.(string)
	var value json.RawMessage
	if err := o.decoder.Decode(&value); err != nil {
		return err
	}
	if _, twice := one.cells[name]; !twice {
		one.names = append(one.names, name)
	}
	one.cells[name], err = cell(value)
	return err
}

// cell is a value as a table shows it: text as it is, nothing for null, and JSON for what has parts.
func cell(value json.RawMessage) (string, error) {
	switch value[0] {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return text, err
	case 'n':
		return "", nil
	default:
		return string(value), nil
	}
}

// end reads the array's end, behind which is nothing.
func (o *objects) end() error {
	if _, err := o.decoder.Token(); err != nil {
		return o.problem(err)
	}
	if _, err := o.decoder.Token(); !errors.Is(err, io.EOF) {
		return o.at("there is something behind the array")
	}
	return nil
}

// problem says where the decoder came upon an error. One of reading is not the caller's, and stays what it is.
func (o *objects) problem(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return o.lines.problem(err.Error(), syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return o.lines.problem("unexpected end of JSON input", o.lines.read)
	default:
		return err
	}
}

func (o *objects) at(detail string) error {
	return o.lines.problem(detail, o.decoder.InputOffset())
}

// lines is a reader that knows where lines end.
type lines struct {
	reader io.Reader
	read   int64
	ends   []int64
}

func (l *lines) Read(into []byte) (int, error) {
	n, err := l.reader.Read(into)
	for i, b := range into[:n] {
		if b == '\n' {
			l.ends = append(l.ends, l.read+int64(i))
		}
	}
	l.read += int64(n)
	return n, err
}

// problem is a problem with what ends before an offset.
func (l *lines) problem(detail string, offset int64) *problem {
	last := max(offset-1, 0)
	before := sort.Search(len(l.ends), func(i int) bool { return l.ends[i] >= last })
	column := last + 1
	if before > 0 {
		column = last - l.ends[before-1]
	}
	return &problem{Detail: detail, Line: before + 1, Column: column, Offset: offset}
}
