package chain

import (
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"
)

func hasher() types.ListHasher { return trie.NewStackTrie(nil) }

func TestSizedLRU(t *testing.T) {
	c := newSizedLRU[string](10)
	c.add(1, "a", 4)
	c.add(2, "b", 4)
	c.get(1) // now 2 is the oldest
	c.add(3, "c", 4)
	if _, ok := c.get(2); ok {
		t.Fatal("the least recently used stayed")
	}
	c.add(4, "too large", 11)
	c.add(1, "again", 9) // there already
	for key, want := range map[uint64]string{1: "a", 3: "c", 4: ""} {
		if got, _ := c.get(key); got != want {
			t.Fatalf("%d is %q, want %q", key, got, want)
		}
	}
	if c.used != 8 || len(c.index) != 2 || c.order.Len() != 2 {
		t.Fatalf("used %d, %d and %d entries", c.used, len(c.index), c.order.Len())
	}
}
