package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"
)

// options is what the query says.
type options struct {
	separator rune
	header    bool
	columns   []string
}

// readOptions refuses what it does not know: a misspelt option would otherwise be a wrong table.
func readOptions(query url.Values) (options, error) {
	o := options{separator: ',', header: true}
	for name, values := range query {
		value := values[len(values)-1]
		var err error
		switch name {
		case "separator":
			o.separator, err = readSeparator(value)
		case "header":
			o.header, err = readBool(name, value)
		case "columns":
			o.columns = strings.Split(value, ",")
		default:
			err = fmt.Errorf("there is no option %q: separator, header and columns are there", name)
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

func readSeparator(value string) (rune, error) {
	if value == "tab" {
		return '\t', nil
	}
	separator, size := utf8.DecodeRuneInString(value)
	if size == 0 || size != len(value) || strings.ContainsRune("\"\r\n\uFFFD", separator) {
		return 0, fmt.Errorf("separator %q is neither `tab` nor one character that CSV can be separated by", value)
	}
	return separator, nil
}

func readBool(name, value string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, fmt.Errorf("%s is true or false, not %q", name, value)
	}
}

// convert writes the objects of a JSON array as rows. With columns named it needs no more than one row at a time;
// without, the columns are the names of all objects in the order in which they come up, so it reads to the end first.
func convert(w io.Writer, r io.Reader, o options) error {
	in, err := newObjects(r)
	if err != nil {
		return err
	}
	if o.columns != nil {
		return writeRows(w, o, in.next)
	}
	var rows []row
	seen := map[string]bool{}
	for {
		one, more, err := in.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		for _, name := range one.names {
			if !seen[name] {
				seen[name] = true
				o.columns = append(o.columns, name)
			}
		}
		rows = append(rows, one)
	}
	return writeRows(w, o, func() (row, bool, error) {
		if len(rows) == 0 {
			return row{}, false, nil
		}
		one := rows[0]
		rows = rows[1:]
		return one, true, nil
	})
}

func writeRows(w io.Writer, o options, next func() (row, bool, error)) error {
	out := csv.NewWriter(w)
	out.Comma = o.separator
	if o.header && len(o.columns) > 0 {
		if err := out.Write(o.columns); err != nil {
			return err
		}
	}
	cells := make([]string, len(o.columns))
	for {
		one, more, err := next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		for i, column := range o.columns {
			cells[i] = one.cells[column]
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
