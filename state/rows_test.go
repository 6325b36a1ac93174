package state

import (
	"bytes"
	"fmt"
	"math/rand"
	"testing"
)

// TestRowCaches: what is found is what was stored last, the small cache stays
// within its bound and keeps what was used last, and both can be emptied.
func TestRowCaches(t *testing.T) {
	for _, size := range []int64{20_000, fastcacheBytes} {
		c, rng := newRowCache(size), rand.New(rand.NewSource(1))
		last := map[string][]byte{}
		found := 0
		for i := range 5000 {
			key := fmt.Appendf(nil, "key %d", rng.Intn(300))
			if v, ok := c.HasGet(nil, key); ok {
				found++
				if !bytes.Equal(v, last[string(key)]) {
					t.Fatalf("%s holds %x, stored was %x", key, v, last[string(key)])
				}
			}
			value := make([]byte, rng.Intn(50))
			rng.Read(value)
			c.Set(key, value)
			last[string(key)] = value
			if v, ok := c.HasGet(nil, key); !ok || !bytes.Equal(v, value) {
				t.Fatalf("write %d is not there", i)
			}
			if r, ok := c.(*lruRows); ok {
				held := int64(0)
				for _, k := range r.rows.Keys() {
					v, _ := r.rows.Peek(k)
					held += weigh(k, v)
				}
				if held != r.bytes || held > size {
					t.Fatalf("the cache holds %d bytes, counts %d, may hold %d", held, r.bytes, size)
				}
			}
		}
		if found == 0 || (size < fastcacheBytes && found == 5000-300) {
			t.Fatalf("%d of 5000 reads were hits", found)
		}
		c.Reset()
		for key := range last {
			if _, ok := c.HasGet(nil, []byte(key)); ok {
				t.Fatalf("%s survived a reset", key)
			}
		}
	}
}
