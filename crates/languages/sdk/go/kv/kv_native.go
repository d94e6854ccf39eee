//go:build !wasip1

package kv

import (
	"strconv"
	"sync"

	"airssys"
)

// bucket is a bucket in memory. All of one name are the same.
type bucket = *memory

type memory struct {
	sync.Mutex
	entries map[string][]byte
}

var buckets sync.Map

func open(name string) (bucket, error) {
	found, _ := buckets.LoadOrStore(name, &memory{entries: map[string][]byte{}})
	return found.(bucket), nil
}

func (m *memory) get(key string) ([]byte, bool, error) {
	m.Lock()
	defer m.Unlock()
	value, ok := m.entries[key]
	return append([]byte(nil), value...), ok, nil
}

func (m *memory) set(key string, value []byte) error {
	m.Lock()
	defer m.Unlock()
	m.entries[key] = append([]byte{}, value...)
	return nil
}

func (m *memory) delete(key string) error {
	m.Lock()
	defer m.Unlock()
	delete(m.entries, key)
	return nil
}

func (m *memory) exists(key string) (bool, error) {
	_, ok, err := m.get(key)
	return ok, err
}

func (m *memory) keys() ([]string, error) {
	m.Lock()
	defer m.Unlock()
	var keys []string
	for key := range m.entries {
		keys = append(keys, key)
	}
	return keys, nil
}

func (m *memory) increment(key string, by int64) (sum int64, err error) {
	err = m.update(key, func(old []byte) ([]byte, error) {
		if old != nil {
			if sum, err = strconv.ParseInt(string(old), 10, 64); err != nil {
				return nil, airssys.Errorf(airssys.Failed, "the value of %s is no number", key)
			}
		}
		sum += by
		return strconv.AppendInt(nil, sum, 10), nil
	})
	return sum, err
}

func (m *memory) update(key string, change func([]byte) ([]byte, error)) error {
	m.Lock()
	defer m.Unlock()
	value, err := change(m.entries[key])
	if err != nil {
		return err
	}
	m.entries[key] = append([]byte{}, value...)
	return nil
}
