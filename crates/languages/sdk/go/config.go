package airssys

import (
	"encoding/json"
	"io"
	"strings"
)

// decodeConfig reads a configuration into a type, and refuses names that the type has no field for.
func decodeConfig(config string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(config))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return Errorf(InvalidConfig, "the configuration can't be used: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Errorf(InvalidConfig, "the configuration is more than one JSON object")
	}
	return nil
}
