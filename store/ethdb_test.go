package store

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/ethdb/dbtest"
)

// TestEthdb runs go-ethereum's own suite, in a database that holds keys around
// the view's space: none of them may be seen or lost.
func TestEthdb(t *testing.T) {
	dbtest.TestDatabaseSuite(t, func() ethdb.KeyValueStore {
		db := open(t, vfs.NewMem(), Options{})
		set(t, db, false, "d\xff", "below", "f", "above")
		t.Cleanup(func() {
			for _, k := range []string{"d\xff", "f"} {
				if ok, err := db.Has([]byte(k)); !ok || err != nil {
					t.Errorf("the view deleted %q, which is not its own (%v)", k, err)
				}
			}
			// The suite itself leaves some iterators open.
			if err := db.Close(); err != nil && !strings.Contains(err.Error(), "leaked iterators") {
				t.Errorf("close: %v", err)
			}
		})
		return db.Ethdb()
	})
}
