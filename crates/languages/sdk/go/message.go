package airssys

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Message is what a call brings, and what it gives back.
type Message struct {
	// Body is the bytes, as they came. They are the receiver's own.
	Body []byte
	// ContentType is what the bytes are, as a media type; empty where nobody said.
	ContentType string
	// Metadata is what else comes with them.
	Metadata Metadata
}

// Text is a message of text.
func Text(text string) Message {
	return Message{Body: []byte(text), ContentType: "text/plain; charset=utf-8"}
}

// Bytes is a message of bytes that are nothing known.
func Bytes(body []byte) Message { return Message{Body: body} }

// JSON is a message of a value, by encoding/json.
func JSON(value any) (Message, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return Message{}, Errorf(Failed, "the answer is no JSON: %w", err)
	}
	return Message{Body: body, ContentType: "application/json"}, nil
}

// Text is the body as text. If it is not UTF-8 the error is of kind [InvalidInput].
func (m Message) Text() (string, error) {
	if !utf8.Valid(m.Body) {
		return "", Errorf(InvalidInput, "not UTF-8")
	}
	return string(m.Body), nil
}

// Decode reads the body as JSON into what value points to. If it can't be the error is of kind [InvalidInput].
func (m Message) Decode(value any) error {
	if err := json.Unmarshal(m.Body, value); err != nil {
		return Errorf(InvalidInput, "the input can't be read as JSON: %w", err)
	}
	return nil
}

// Metadata is pairs of names and values, in their order. Names are compared without regard to case, and may stand more
// than once.
type Metadata []Metadatum

// Metadatum is one piece of metadata.
type Metadatum struct {
	Name, Value string
}

// Get is the first value of a name, or "" if there is none.
func (m Metadata) Get(name string) string {
	for _, one := range m {
		if strings.EqualFold(one.Name, name) {
			return one.Value
		}
	}
	return ""
}

// Values is all values of a name.
func (m Metadata) Values(name string) []string {
	var values []string
	for _, one := range m {
		if strings.EqualFold(one.Name, name) {
			values = append(values, one.Value)
		}
	}
	return values
}

// Add puts a value behind those that are there.
func (m *Metadata) Add(name, value string) {
	*m = append(*m, Metadatum{name, value})
}

// Without is a copy that lacks a name.
func (m Metadata) Without(name string) Metadata {
	var kept Metadata
	for _, one := range m {
		if !strings.EqualFold(one.Name, name) {
			kept = append(kept, one)
		}
	}
	return kept
}
