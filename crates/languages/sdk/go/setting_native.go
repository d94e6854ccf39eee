//go:build !wasip1

package airssys

import "sync"

var settings sync.Map

func setting(name string) (string, bool, error) {
	value, ok := settings.Load(name)
	if !ok {
		return "", false, nil
	}
	return value.(string), true, nil
}

// Set stands in for the host's configuration, in tests. It is there natively only.
func Set(name, value string) { settings.Store(name, value) }
