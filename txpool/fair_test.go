package txpool

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
)

func TestRoundRobin(t *testing.T) {
	p := newPool(t, newHead(), nil)
	for n := range uint64(6) { // one sender was here first with much
		add(t, p, transfer(0, n, 0))
	}
	add(t, p, transfer(1, 0, 0), transfer(2, 0, 0), transfer(1, 1, 0))
	got := build(p, 9)
	if want := []int{0, 1, 2, 0, 1, 0, 0, 0, 0}; !slices.Equal(senders(t, got, 3), want) {
		t.Errorf("order %v, want %v", senders(t, got, 3), want)
	}
	if again := build(p, 9); !slices.Equal(got, again) {
		t.Error("the same pool offered another order")
	}
	// In small batches each sender is served before one is served twice.
	var served []int
	for seq := range uint64(4) {
		txs := build(p, 2)
		p.InFlight(seq+1, txs)
		served = append(served, senders(t, txs, 3)...)
	}
	if want := []int{0, 1, 2, 0, 1, 0, 0, 0}; !slices.Equal(served, want) {
		t.Errorf("served %v, want %v", served, want)
	}
	mustHold(t, p)
}

func TestBuildBounds(t *testing.T) {
	p := newPool(t, newHead(), nil)
	for k := range 4 {
		add(t, p, transfer(k, 0, 0), transfer(k, 1, 0))
	}
	size := int(transfer(0, 0, 0).Size())
	for _, c := range []struct {
		txs, bytes int
		gas        uint64
		want       int
	}{
		{3, 1 << 20, 1 << 30, 3},
		{100, 1 << 20, 1 << 30, 8},
		{100, 5*size + 1, 1 << 30, 5},
		{100, 1 << 20, 6*21_000 + 20_999, 6},
		{0, 1 << 20, 1 << 30, 0},
		{100, 1 << 20, 20_999, 0},
	} {
		if got := p.Build(c.txs, c.bytes, c.gas); len(got) != c.want {
			t.Errorf("%+v: %d transactions", c, len(got))
		}
	}
}

// TestFullPoolTakesFromTheHeaviest: a newcomer finds room at the cost of whoever
// holds the most, and price decides nothing.
func TestFullPoolTakesFromTheHeaviest(t *testing.T) {
	h := newHead()
	h.set(addr(0), 0, 1<<40)
	h.set(addr(3), 0, 1<<40)
	p := newPool(t, h, func(c *Config) { c.MaxTransactions, c.MaxQueued = 10, 5 })
	for n := range uint64(8) {
		add(t, p, priced(0, n, 50, 50)) // pays, and spams
	}
	add(t, p, transfer(1, 0, 0), transfer(1, 1, 0))
	for n := range uint64(3) {
		add(t, p, transfer(2, n, 0))
	}
	if e, _ := p.ContentFrom(addr(0)); len(e) != 5 || e[4].Nonce() != 4 {
		t.Fatalf("the heavy sender has %d left", len(e))
	}
	evicted := priced(0, 7, 50, 50)
	if x, _ := p.Explain(evicted.Hash()); x.Status != StatusDropped || !strings.Contains(x.Reason, "txpool is full: its sender held the most") {
		t.Errorf("explained as %+v", x)
	}
	add(t, p, transfer(2, 3, 0)) // 4 of 5: still fewer than the heaviest
	if err := p.Add(t.Context(), transfer(2, 4, 0)); !errors.Is(err, ErrPoolFull) {
		t.Errorf("a sender grew beyond the heaviest: %v", err)
	}
	if err := p.Add(t.Context(), priced(0, 3, 99, 99)); err != nil {
		t.Errorf("a replacement takes no room: %v", err)
	}
	// What is in flight is never taken.
	p.InFlight(1, build(p, 10))
	if err := p.Add(t.Context(), transfer(3, 0, 0)); !errors.Is(err, ErrPoolFull) {
		t.Errorf("took one in flight: %v", err)
	}
	mustHold(t, p)
}

// TestFullPoolClosesGap: the nonce for which a sender's others wait finds room at
// their cost, or a pool full of one sender would never move.
func TestFullPoolClosesGap(t *testing.T) {
	p := newPool(t, newHead(), func(c *Config) { c.MaxTransactions, c.MaxQueued = 4, 3 })
	add(t, p, transfer(1, 0, 0), transfer(0, 1, 0), transfer(0, 2, 0), transfer(0, 3, 0), transfer(0, 0, 0))
	if e, q := p.ContentFrom(addr(0)); len(e) != 3 || len(q) != 0 {
		t.Errorf("%d executable, %d queued", len(e), len(q))
	}
	if err := p.Add(t.Context(), transfer(0, 4, 0)); !errors.Is(err, ErrPoolFull) {
		t.Errorf("a higher nonce took room: %v", err)
	}
	mustHold(t, p)
}

func TestBytesBound(t *testing.T) {
	size := int(transfer(0, 0, 0).Size())
	p := newPool(t, newHead(), func(c *Config) { c.MaxBytes, c.MaxTxBytes = 4*size, 4*size })
	for n := range uint64(4) {
		add(t, p, transfer(0, n, 0))
	}
	add(t, p, transfer(1, 0, 0))
	if e, _ := p.Stats(); e != 4 || p.bytes > 4*size {
		t.Errorf("%d transactions, %d bytes of %d", e, p.bytes, 4*size)
	}
	mustHold(t, p)
}

func TestQueueBounds(t *testing.T) {
	p := newPool(t, newHead(), func(c *Config) { c.QueuedPerSender, c.MaxQueued = 3, 5 })
	add(t, p, transfer(0, 3, 0), transfer(0, 5, 0), transfer(0, 7, 0))
	if err := p.Add(t.Context(), transfer(0, 8, 0)); !errors.Is(err, ErrAccountLimit) {
		t.Errorf("a fourth gapped transaction: %v", err)
	}
	add(t, p, transfer(0, 2, 0)) // lower: the highest gives way
	if _, q := p.ContentFrom(addr(0)); len(q) != 3 || q[2].Nonce() != 5 {
		t.Errorf("queue is %v", q)
	}
	add(t, p, transfer(1, 1, 0), transfer(2, 1, 0))
	if err := p.Add(t.Context(), transfer(3, 1, 0)); !errors.Is(err, ErrPoolFull) {
		t.Errorf("beyond the bound of all queued: %v", err)
	}
	add(t, p, transfer(3, 0, 0), transfer(0, 0, 0), transfer(0, 1, 0)) // runs: another matter
	if e, _ := p.ContentFrom(addr(0)); len(e) != 4 {
		t.Errorf("the gap is closed, %d run", len(e))
	}
	mustHold(t, p)
}

func TestForwardedAboveBounds(t *testing.T) {
	p := newPool(t, newHead(), func(c *Config) { c.MaxTransactions, c.MaxQueued, c.ForwardedPerPeer = 2, 1, 2 })
	add(t, p, transfer(0, 0, 0), transfer(0, 1, 0))
	var txs []*types.Transaction
	for k := 1; k < 5; k++ {
		txs = append(txs, transfer(k, 0, 0))
	}
	data, n, err := p.EncodeForward(txs)
	if err != nil || n != 4 {
		t.Fatalf("%d packed, %v", n, err)
	}
	if err := p.HandleForwarded("validator", data); err != nil {
		t.Fatal(err)
	}
	if e, _ := p.Stats(); e != 4 {
		t.Errorf("%d in the pool, want 2 and 2 forwarded", e)
	}
	mustHold(t, p)
	number, block, skipped := newHead().mine(txs[:2])
	h := p.head.(*memHead)
	h.set(addr(1), 1, 0)
	h.set(addr(2), 1, 0)
	p.Committed(number, block, skipped)
	if err := p.HandleForwarded("validator", data); err != nil {
		t.Fatal(err)
	}
	if e, _ := p.Stats(); e != 4 {
		t.Errorf("%d in the pool after two were mined", e)
	}
	mustHold(t, p)
}
