package eth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type progress struct {
	starting, current, highest uint64
	active                     bool
}

func (p progress) Syncing() (uint64, uint64, uint64, bool) {
	return p.starting, p.current, p.highest, p.active
}

// TestSyncing is false or the three numbers of the closed schema.
func TestSyncing(t *testing.T) {
	for _, c := range []struct {
		p    Progress
		want string
	}{
		{nil, `false`},
		{progress{1, 2, 2, false}, `false`},
		{progress{1, 16, 255, true}, `{"currentBlock":"0x10","highestBlock":"0xff","startingBlock":"0x1"}`},
	} {
		got, err := json.Marshal((&API{progress: c.p}).Syncing())
		if err != nil || string(got) != c.want {
			t.Errorf("%+v: %s %v, want %s", c.p, got, err, c.want)
		}
	}
}

// pace is a node whose progress a test sets.
type pace struct{ at atomic.Pointer[progress] }

func (p *pace) Syncing() (uint64, uint64, uint64, bool) { return p.at.Load().Syncing() }

// TestSyncingSubscription tells the state at once, then what changes, and ends
// with its context.
func TestSyncingSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(pace)
		p.at.Store(&progress{1, 2, 9, true})
		from := NewSubscriptions(&API{progress: p}).source()
		defer from.close()
		ctx, stop := context.WithCancel(t.Context())
		var told []string
		ended := make(chan error, 1)
		go func() {
			for {
				if err := from.next(ctx, func(v any) error {
					raw, err := json.Marshal(v)
					told = append(told, string(raw))
					return err
				}); err != nil {
					ended <- err
					return
				}
			}
		}()
		for _, next := range []*progress{{1, 2, 9, true}, {1, 5, 9, true}, {1, 9, 9, false}, {1, 10, 10, false}} {
			p.at.Store(next)
			time.Sleep(2 * syncingPoll) // the bubble's clock
			synctest.Wait()
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		want := []string{
			`{"syncing":true,"status":{"currentBlock":"0x2","highestBlock":"0x9","startingBlock":"0x1"}}`,
			`{"syncing":true,"status":{"currentBlock":"0x5","highestBlock":"0x9","startingBlock":"0x1"}}`,
			`false`,
		}
		if !slices.Equal(told, want) {
			t.Errorf("told %s\nwant %s", told, want)
		}
	})
}
