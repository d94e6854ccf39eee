// Package kv keeps values under keys, in buckets of the host. A component asks for a bucket in Component.toml:
//
//	[capabilities]
//	keyvalue = [{ bucket = "sessions", access = ["read", "write"], reason = "logins" }]
//
// A refusal is an error of kind [airssys.Denied]. Natively every bucket is there, and kept in memory.
package kv

// Bucket is a collection of entries.
type Bucket struct {
	name   string
	bucket bucket
}

// Open is the bucket of a name.
func Open(name string) (*Bucket, error) {
	opened, err := open(name)
	if err != nil {
		return nil, err
	}
	return &Bucket{name, opened}, nil
}

// Get is the value under a key, and whether there is one.
func (b *Bucket) Get(key string) (value []byte, ok bool, err error) { return b.bucket.get(key) }

// Set sets the value under a key, whether there was one or not.
func (b *Bucket) Set(key string, value []byte) error { return b.bucket.set(key, value) }

// Delete deletes the entry under a key, if there is one.
func (b *Bucket) Delete(key string) error { return b.bucket.delete(key) }

// Exists says whether there is an entry under a key.
func (b *Bucket) Exists(key string) (bool, error) { return b.bucket.exists(key) }

// Keys is all keys, in no order that counts.
func (b *Bucket) Keys() ([]string, error) { return b.bucket.keys() }

// Increment adds to the number under a key, which begins at 0, and returns the sum. Nothing comes between.
func (b *Bucket) Increment(key string, by int64) (int64, error) { return b.bucket.increment(key, by) }

// Update sets the value under a key to what change makes of the one that is there, which is nil if there is none. If the
// entry changes meanwhile, change is called again with what is there then.
func (b *Bucket) Update(key string, change func(old []byte) ([]byte, error)) error {
	return b.bucket.update(key, change)
}
