package eth

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// TestFilterExpiry: a filter lives for five minutes after it was asked for last,
// and what has expired makes room.
func TestFilterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := rpc.DefaultLimits()
		limits.Filters, limits.FilterValues = 2, 10
		fs := newFilters(limits)
		add := func(values int) (id string) {
			t.Helper()
			got, err := fs.add(&filter{crit: Criteria{Addresses: make([]common.Address, values)}})
			if err != nil {
				return ""
			}
			return string(got)
		}
		a, b := add(4), add(4)
		if a == "" || b == "" || add(1) != "" {
			t.Fatal("two filters have room, a third has none")
		}
		time.Sleep(limits.FilterTimeout - time.Second) // the bubble's clock
		if _, err := fs.get(gethrpc.ID(b)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c := add(6)
		if c == "" {
			t.Fatal("an expired filter keeps its place")
		}
		for range 2 {
			time.Sleep(limits.FilterTimeout - 2*time.Second)
			_, err := fs.get(gethrpc.ID(b))
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fs.get(gethrpc.ID(c)); !errors.Is(err, errFilterNotFound) {
			t.Errorf("a filter that nobody polled: %v", err)
		}
		time.Sleep(limits.FilterTimeout)
		if fs.remove(gethrpc.ID(b)); fs.values != 0 || len(fs.all) != 0 {
			t.Errorf("%d filters with %d values are left", len(fs.all), fs.values)
		}
	})
}
