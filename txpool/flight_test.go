package txpool

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

func TestReleaseRestoresOrder(t *testing.T) {
	p := newPool(t, newHead(), nil)
	for k := range 5 {
		add(t, p, transfer(k, 0, 0), transfer(k, 1, 0))
	}
	p.InFlight(1, build(p, 4))
	p.InFlight(2, build(p, 4))
	add(t, p, transfer(5, 0, 0))
	if got := build(p, 10); len(got) != 3 {
		t.Fatalf("%d free", len(got))
	}
	p.Release(1)
	if got, want := senders(t, build(p, 20), 6), []int{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("after the rollback %v", got)
	}
	mustHold(t, p)
}

func TestForeignBodies(t *testing.T) {
	h := newHead()
	h.set(addr(0), 0, 10)
	p := newPool(t, h, nil)
	mine, other, late := transfer(0, 0, 1), transfer(1, 0, 0), transfer(0, 1, 1)
	add(t, p, mine)
	p.InFlight(1, []*types.Transaction{mine, other})
	p.InFlight(1, []*types.Transaction{mine, other}) // the same again changes nothing
	p.InFlight(2, []*types.Transaction{late})
	txs, missing := p.Resolve([]common.Hash{mine.Hash(), other.Hash(), {1}, late.Hash()})
	if txs[0] != mine || txs[1] != other || txs[3] != late || !slices.Equal(missing, []int{2}) {
		t.Fatalf("resolved %v, missing %v", txs, missing)
	}
	if x, _ := p.Explain(other.Hash()); x.Status != StatusInFlight {
		t.Errorf("explained as %+v", x)
	}
	if p.Executable() {
		t.Error("all is in flight")
	}
	p.admit([]*types.Transaction{late}, source{gossiped: true}) // while in flight: still not offered
	if got := build(p, 9); len(got) != 0 {
		t.Errorf("offered %v", got)
	}
	p.Release(2)
	if got := build(p, 9); len(got) != 1 || got[0] != late {
		t.Errorf("offered %v", got)
	}
	p.Release(1)
	if got := build(p, 9); len(got) != 3 || len(p.foreign) != 0 || len(p.flights) != 0 {
		t.Errorf("offered %d, %d foreign, %d flights", len(got), len(p.foreign), len(p.flights))
	}
	mustHold(t, p)
}

func TestCommitted(t *testing.T) {
	h := newHead()
	h.set(addr(0), 0, 100)
	h.set(addr(1), 0, 100)
	p := newPool(t, h, nil)
	a, b, c := transfer(0, 0, 1), transfer(0, 1, 1), transfer(0, 2, 1)
	rival := transfer(1, 0, 5)
	add(t, p, a, b, c, transfer(1, 0, 7))
	p.InFlight(1, []*types.Transaction{a, b})
	number, block, skipped := h.mine([]*types.Transaction{a, b, rival})
	p.Committed(number, block, skipped)
	for tx, want := range map[*types.Transaction]Status{a: StatusMined, b: StatusMined, c: StatusExecutable, rival: StatusMined, transfer(1, 0, 7): StatusReplaced} {
		if x, ok := p.Explain(tx.Hash()); !ok || x.Status != want {
			t.Errorf("nonce %d explained as %+v, want %s", tx.Nonce(), x, want)
		}
	}
	if x, _ := p.Explain(a.Hash()); x.Block != 1 {
		t.Errorf("mined in block %d", x.Block)
	}
	if got := build(p, 9); len(got) != 1 || got[0] != c {
		t.Errorf("left over: %v", got)
	}
	if n := p.PendingNonce(addr(1)); n != 1 {
		t.Errorf("pending nonce of an account without transactions: %d", n)
	}
	if err := p.HandleGossip("x", (&message{kind: kindBodies, items: bodies(t, a)}).encode()); err != nil {
		t.Error(err)
	}
	if p.Get(a.Hash()) != nil {
		t.Error("late gossip brought a mined one back")
	}
	mustHold(t, p)
}

func TestSkipped(t *testing.T) {
	h := newHead()
	p := newPool(t, h, func(c *Config) { c.MaxSkips = 3 })
	forbidden, late, dup := transfer(0, 0, 0), transfer(1, 0, 0), transfer(2, 0, 0)
	unseen := transfer(3, 0, 0)
	add(t, p, forbidden, late, dup, transfer(0, 1, 0))
	commit := func(reasons map[common.Hash]string, txs ...*types.Transaction) {
		p.InFlight(h.number+1, []*types.Transaction{forbidden, late})
		number, block, _ := h.mine(txs)
		p.Committed(number, block, reasons)
	}
	commit(map[common.Hash]string{
		forbidden.Hash(): "account may not send", late.Hash(): "gas limit reached", dup.Hash(): "nonce too low", unseen.Hash(): "nonce too low",
	}, dup)
	if x, _ := p.Explain(forbidden.Hash()); x.Status != StatusRefused || x.Block != 1 || x.Reason != "skipped in block 1: account may not send" {
		t.Errorf("explained as %+v", x)
	}
	if x, _ := p.Explain(dup.Hash()); x.Status != StatusMined {
		t.Errorf("a duplicate that was mined: %+v", x)
	}
	if x, _ := p.Explain(unseen.Hash()); x.Status != StatusRefused || x.Block != 1 {
		t.Errorf("a foreign one: %+v", x)
	}
	if got := build(p, 9); len(got) != 1 || got[0] != late {
		t.Errorf("what may pass must stay, its like not: %v", got)
	}
	for range 2 {
		commit(map[common.Hash]string{late.Hash(): "gas limit reached"})
	}
	if p.Get(late.Hash()) != nil {
		t.Error("skipped three times and still here: an idle chain would spin")
	}
	mustHold(t, p)
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, newHead(), func(c *Config) { c.QueueLifetime = time.Minute })
		gapped, runs := transfer(0, 5, 0), transfer(1, 0, 0)
		add(t, p, gapped, runs)
		stop := start(t, p)
		time.Sleep(time.Minute - Tick)
		synctest.Wait()
		if p.Get(gapped.Hash()) == nil {
			t.Error("expired early")
		}
		time.Sleep(3 * Tick)
		synctest.Wait()
		if p.Get(gapped.Hash()) != nil || p.Get(runs.Hash()) == nil {
			t.Error("the gapped one should be gone, the executable one not")
		}
		if x, _ := p.Explain(gapped.Hash()); x.Status != StatusExpired || !strings.HasPrefix(x.Reason, "expired") {
			t.Errorf("explained as %+v", x)
		}
		stop()
		mustHold(t, p)
	})
}

// TestMaintenanceSeesFunds: a payment that no transaction of a block shows is
// found within a tick.
func TestMaintenanceSeesFunds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHead()
		p := newPool(t, h, nil)
		p.admit([]*types.Transaction{transfer(0, 0, 9)}, source{gossiped: true})
		stop := start(t, p)
		if p.Executable() {
			t.Fatal("without funds")
		}
		h.set(addr(0), 0, 9)
		time.Sleep(2 * Tick)
		synctest.Wait()
		select {
		case <-p.Wake():
		default:
			t.Error("no wake-up")
		}
		if len(build(p, 1)) != 1 {
			t.Error("not offered")
		}
		stop()
	})
}

func TestOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, newHead(), nil)
		add(t, p, transfer(1, 0, 0))
		time.Sleep(300 * time.Millisecond)
		add(t, p, transfer(0, 0, 0), transfer(2, 1, 0))
		time.Sleep(300 * time.Millisecond)
		if got := senders(t, p.Overdue(500*time.Millisecond, 10), 3); !slices.Equal(got, []int{1}) {
			t.Errorf("overdue: %v", got)
		}
		if got := senders(t, p.Overdue(200*time.Millisecond, 10), 3); !slices.Equal(got, []int{1, 0}) {
			t.Errorf("overdue: %v", got)
		}
		if got := p.Overdue(0, 1); len(got) != 1 {
			t.Errorf("%d of at most 1", len(got))
		}
	})
}

// TestStaleRead: a block between the read of an account and the admission is
// noticed.
func TestStaleRead(t *testing.T) {
	h := &racingHead{memHead: newHead()}
	p := newPool(t, h, nil)
	first, second := transfer(0, 0, 0), transfer(0, 0, 1)
	h.between = func() {
		number, block, _ := h.mine([]*types.Transaction{first})
		p.Committed(number, block, nil)
	}
	h.set(addr(0), 0, 5)
	if err := p.Add(t.Context(), second); err == nil || err.Error() != "nonce too low: next nonce 1, tx nonce 0" {
		t.Errorf("got %v", err)
	}
}

// racingHead commits a block right after the first read.
type racingHead struct {
	*memHead
	between func()
}

func (h *racingHead) Account(addr common.Address) (uint64, *uint256.Int, error) {
	nonce, balance, err := h.memHead.Account(addr)
	if f := h.between; f != nil {
		h.between = nil
		f()
	}
	return nonce, balance, err
}

// TestWake: one signal when there is something after nothing, one for a body that
// was sought, none for what changes nothing.
func TestWake(t *testing.T) {
	p := newPool(t, newHead(), nil)
	woken := func() bool {
		select {
		case <-p.Wake():
			return true
		default:
			return false
		}
	}
	step := func(what string, want bool) {
		t.Helper()
		if got := woken(); got != want {
			t.Errorf("%s: woken %v", what, got)
		}
	}
	step("empty", false)
	add(t, p, transfer(0, 0, 0))
	step("the first", true)
	add(t, p, transfer(1, 0, 0))
	step("another", false)
	p.Resolve([]common.Hash{{1}})
	add(t, p, transfer(2, 5, 0)) // queued, but it may be in somebody's batch
	step("after a hole was found", true)
	p.InFlight(1, build(p, 9))
	add(t, p, transfer(3, 0, 0))
	step("the first beside those in flight", true)
	if n := p.Proposable(); n != 1 || !p.Executable() {
		t.Errorf("%d executable", n)
	}
	p.Release(1)
	step("more after a rollback", false)
	p.InFlight(1, build(p, 9))
	p.Release(1)
	step("all after a rollback", true)
	mustHold(t, p)
}
