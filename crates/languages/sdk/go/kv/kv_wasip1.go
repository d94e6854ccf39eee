package kv

import (
	"airssys"
	"airssys/internal/wit/runtime"
	"airssys/internal/wit/types"
	"airssys/internal/wit/wasi_keyvalue_atomics"
	store "airssys/internal/wit/wasi_keyvalue_store"
)

// bucket is the host's.
type bucket struct {
	name   string
	handle *store.Bucket
}

// updateAttempts bounds how often an update begins anew: a key that many write at once is not worth more.
const updateAttempts = 64

func open(name string) (bucket, error) {
	defer runtime.Calling()()
	handle, err := result(name, store.Open(name))
	return bucket{name, handle}, err
}

func (b bucket) get(key string) ([]byte, bool, error) {
	defer runtime.Calling()()
	value, err := result(b.name, b.handle.Get(key))
	return value.Or(nil), value.Tag() == types.OptionSome, err
}

func (b bucket) set(key string, value []byte) error {
	defer runtime.Calling()()
	_, err := result(b.name, b.handle.Set(key, value))
	return err
}

func (b bucket) delete(key string) error {
	defer runtime.Calling()()
	_, err := result(b.name, b.handle.Delete(key))
	return err
}

func (b bucket) exists(key string) (bool, error) {
	defer runtime.Calling()()
	return result(b.name, b.handle.Exists(key))
}

func (b bucket) keys() ([]string, error) {
	defer runtime.Calling()()
	var keys []string
	cursor := types.None[string]()
	for {
		page, err := result(b.name, b.handle.ListKeys(cursor))
		keys = append(keys, page.Keys...)
		if err != nil || page.Cursor.Tag() == types.OptionNone {
			return keys, err
		}
		cursor = page.Cursor
	}
}

func (b bucket) increment(key string, by int64) (int64, error) {
	defer runtime.Calling()()
	return result(b.name, wasi_keyvalue_atomics.Increment(b.handle, key, by))
}

func (b bucket) update(key string, change func([]byte) ([]byte, error)) error {
	entry, err := result(b.name, wasi_keyvalue_atomics.CasNew(b.handle, key))
	for range updateAttempts {
		if err != nil {
			return err
		}
		old, err := result(b.name, entry.Current())
		if err != nil {
			return err
		}
		value, err := change(old.Or(nil))
		if err != nil {
			return err
		}
		swapped := wasi_keyvalue_atomics.Swap(entry, value)
		if !swapped.IsErr() {
			return nil
		}
		failed := swapped.Err()
		if failed.Tag() == wasi_keyvalue_atomics.CasErrorStoreError {
			return told(b.name, failed.StoreError())
		}
		entry = failed.CasFailed()
	}
	return airssys.Errorf(airssys.Unavailable, "%s in bucket %s is written by too many at once", key, b.name)
}

// result is what came of a call on a bucket.
func result[T any](name string, r types.Result[T, store.Error]) (T, error) {
	if r.IsErr() {
		var none T
		return none, told(name, r.Err())
	}
	return r.Ok(), nil
}

func told(name string, err store.Error) error {
	switch err.Tag() {
	case store.ErrorNoSuchStore:
		return airssys.Errorf(airssys.Failed, "there is no bucket %s", name)
	case store.ErrorAccessDenied:
		return airssys.Errorf(airssys.Denied, "this component has no such access to the bucket %s", name)
	default:
		return airssys.Errorf(airssys.Failed, "bucket %s: %s", name, err.Other())
	}
}
