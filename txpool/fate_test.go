package txpool

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

func TestRingForgetsTheOldest(t *testing.T) {
	r := newRing[int](3)
	for i := range 10 {
		r.put(common.Hash{byte(i)}, i)
		r.put(common.Hash{byte(i)}, i+100) // again is not another
	}
	for i := range 10 {
		v, ok := r.get(common.Hash{byte(i)})
		if ok != (i >= 7) || ok && v != i+100 {
			t.Errorf("key %d: %d, %v", i, v, ok)
		}
	}
	if len(r.index) != 3 || len(r.keys) != 3 {
		t.Errorf("%d indexed, %d kept, limit 3", len(r.index), len(r.keys))
	}
}

// TestReasonsAreBounded: a reason may hold what a client or a contract wrote.
func TestReasonsAreBounded(t *testing.T) {
	p := newPool(t, newHead(), func(c *Config) {
		c.Fates = 2
		c.Permit = func(common.Address, *types.Transaction) error { return errors.New(strings.Repeat("é", 10_000)) }
	})
	for n := range uint64(3) {
		if err := p.Add(t.Context(), transfer(0, n, 0)); !errors.Is(err, ErrNotPermitted) {
			t.Fatal(err)
		}
	}
	if _, ok := p.Explain(transfer(0, 0, 0).Hash()); ok {
		t.Error("three fates are remembered, the limit is 2")
	}
	x, ok := p.Explain(transfer(0, 2, 0).Hash())
	if !ok || x.Status != StatusRefused || len(x.Reason) > maxReason || len(x.Reason) < maxReason-4 || !utf8.ValidString(x.Reason) || time.Since(x.Time) > time.Hour {
		t.Errorf("explained as %+v (%d bytes), %v", x, len(x.Reason), ok)
	}
}

func TestExplainWaiting(t *testing.T) {
	p := newPool(t, newHead(), nil)
	runs, flies, gapped := transfer(0, 0, 0), transfer(1, 0, 0), transfer(0, 2, 0)
	add(t, p, runs, flies, gapped)
	p.InFlight(1, []*types.Transaction{flies})
	for tx, want := range map[*types.Transaction]Explanation{
		runs: {Status: StatusExecutable}, flies: {Status: StatusInFlight}, gapped: {Status: StatusQueued, Reason: "waits for nonce 1 of its sender"},
	} {
		x, ok := p.Explain(tx.Hash())
		if want.Time = x.Time; !ok || x != want || x.Time.IsZero() {
			t.Errorf("%+v, want %+v", x, want)
		}
	}
	if _, ok := p.Explain(common.Hash{9}); ok {
		t.Error("explained what never came")
	}
	if err := p.Add(t.Context(), priced(0, 0, 0, 0)); !errors.Is(err, ErrReplaceUnderpriced) {
		t.Errorf("got %v", err)
	}
}

// TestNoRebroadcastInFlight: what is being ordered is where it has to be.
func TestNoRebroadcastInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newWire(), newHead()
		p := w.pool(t, "p", h, nil)
		stop := start(t, p)
		tx := transfer(0, 0, 0)
		add(t, p, tx)
		synctest.Wait()
		p.InFlight(1, []*types.Transaction{tx})
		time.Sleep(3 * p.cfg.RebroadcastAfter)
		synctest.Wait()
		if n := len(w.messages()); n != 1 {
			t.Errorf("%d messages", n)
		}
		p.Release(1)
		time.Sleep(2 * p.cfg.RebroadcastAfter)
		synctest.Wait()
		if n := len(w.messages()); n < 2 {
			t.Errorf("released, and not sent again: %d messages", n)
		}
		stop()
	})
}

func TestRepliesAreBounded(t *testing.T) {
	p := newPool(t, newHead(), func(c *Config) { c.AnnounceHashes, c.FetchHashes = 5, 4 })
	var hashes []common.Hash
	for k := range 3 {
		for n := range uint64(3) {
			tx := transfer(k, n, 0)
			add(t, p, tx)
			hashes = append(hashes, tx.Hash())
		}
	}
	m, err := decodeMessage(p.ServeFetch([]common.Hash{PendingHash})[0], 1<<20)
	if err != nil || m.kind != kindAnnounce || len(m.items) != 5 {
		t.Errorf("%v, %d hashes", err, len(m.items))
	}
	if got := p.ServeFetch(hashes); len(got) != 4 {
		t.Errorf("%d bodies", len(got))
	}
	p.cfg.FetchBytes = 250
	if got := p.ServeFetch(append([]common.Hash{{1}}, hashes...)); len(got) != 2 {
		t.Errorf("%d bodies in 250 bytes", len(got))
	}
}
