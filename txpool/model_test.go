package txpool

import (
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

const (
	modelKeys   = 4
	modelNonces = 12
)

// modelTxs holds signed transfers [key][nonce][value 0 or 1], for signing is slow.
var modelTxs = func() (out [modelKeys][modelNonces][2]*types.Transaction) {
	for k := range out {
		for n := range out[k] {
			for v := range out[k][n] {
				out[k][n][v] = transfer(k, uint64(n), uint64(v))
			}
		}
	}
	return out
}()

// model is the pool as one would describe it: a set of transactions per sender, of
// which those are executable that follow the state nonce without a gap and within
// the balance.
type model struct {
	waiting map[common.Address]map[uint64]*types.Transaction
	flights map[uint64][]*types.Transaction
}

func (m *model) executable(h *memHead, addr common.Address) (out []*types.Transaction) {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := uint256.NewInt(0)
	if b := h.balances[addr]; b != nil {
		left = b.Clone()
	}
	for n := h.nonces[addr]; ; n++ {
		tx := m.waiting[addr][n]
		if tx == nil || left.Lt(uint256.MustFromBig(tx.Cost())) {
			return out
		}
		left.Sub(left, uint256.MustFromBig(tx.Cost()))
		out = append(out, tx)
	}
}

func (m *model) inFlight(tx *types.Transaction) bool {
	for _, txs := range m.flights {
		if slices.Contains(txs, tx) {
			return true
		}
	}
	return false
}

// TestAgainstModel drives the pool and the model with the same random calls.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHead()
		p := newPool(t, h, func(c *Config) { c.LockChunk = rapid.IntRange(1, 4).Draw(rt, "chunk") })
		m := &model{waiting: make(map[common.Address]map[uint64]*types.Transaction), flights: make(map[uint64][]*types.Transaction)}
		for k := range modelKeys {
			h.set(addr(k), 0, rapid.Uint64Range(0, 6).Draw(rt, "balance"))
			m.waiting[addr(k)] = make(map[uint64]*types.Transaction)
		}
		next := uint64(1) // seq
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(rt *rapid.T) {
				k, n, v := rapid.IntRange(0, modelKeys-1).Draw(rt, "key"), rapid.IntRange(0, modelNonces-1).Draw(rt, "nonce"), rapid.IntRange(0, 1).Draw(rt, "value")
				tx := modelTxs[k][n][v]
				err := p.admit([]*types.Transaction{tx}, source{gossiped: true})[0]
				want := h.nonces[addr(k)] <= uint64(n) && m.waiting[addr(k)][uint64(n)] == nil
				if (err == nil) != want {
					rt.Fatalf("add: %v, model admits: %v", err, want)
				}
				if want {
					m.waiting[addr(k)][uint64(n)] = tx
				}
			},
			"order": func(rt *rapid.T) {
				txs := build(p, rapid.IntRange(1, 8).Draw(rt, "count"))
				for _, tx := range txs {
					if m.inFlight(tx) {
						rt.Fatalf("%v is in flight", tx.Hash())
					}
				}
				p.InFlight(next, txs)
				m.flights[next] = txs
				next++
			},
			"release": func(rt *rapid.T) {
				seq := rapid.Uint64Range(h.number+1, next).Draw(rt, "seq")
				p.Release(seq)
				for s := range m.flights {
					if s >= seq {
						delete(m.flights, s)
					}
				}
				next = seq
			},
			"commit": func(rt *rapid.T) {
				if len(m.flights) == 0 {
					rt.Skip("nothing in flight")
				}
				number, block, skipped := h.mine(m.flights[h.number+1])
				delete(m.flights, number)
				for k := range modelKeys {
					for n := range m.waiting[addr(k)] {
						if n < h.nonces[addr(k)] {
							delete(m.waiting[addr(k)], n)
						}
					}
				}
				p.Committed(number, block, skipped)
			},
			"fund": func(rt *rapid.T) {
				k := rapid.IntRange(0, modelKeys-1).Draw(rt, "key")
				h.set(addr(k), h.nonces[addr(k)], rapid.Uint64Range(0, 6).Draw(rt, "balance"))
				p.maintain()
			},
			"": func(rt *rapid.T) {
				if err := p.checkInvariants(); err != nil {
					rt.Fatal(err)
				}
				for k := range modelKeys {
					want := m.executable(h, addr(k))
					got, _ := p.ContentFrom(addr(k))
					if !slices.Equal(got, want) {
						rt.Fatalf("key %d: %d executable, model has %d", k, len(got), len(want))
					}
					if nonce := p.PendingNonce(addr(k)); nonce != h.nonces[addr(k)]+uint64(len(want)) {
						rt.Fatalf("key %d: pending nonce %d", k, nonce)
					}
				}
				offered := build(p, 1000)
				free := 0
				for k := range modelKeys {
					for _, tx := range m.executable(h, addr(k)) {
						if !m.inFlight(tx) {
							free++
						}
					}
				}
				if len(offered) != free || p.Executable() != (free > 0) {
					rt.Fatalf("%d offered, %d free, executable %v", len(offered), free, p.Executable())
				}
				last := make(map[common.Address]uint64)
				for _, tx := range offered {
					from, _ := types.Sender(testSigner, tx)
					if n, ok := last[from]; ok && tx.Nonce() <= n {
						rt.Fatalf("nonce %d after %d", tx.Nonce(), n)
					}
					last[from] = tx.Nonce()
				}
			},
		})
	})
}

// TestRunEndsWithTheBalance: a run is covered by the balance, to the wei.
func TestRunEndsWithTheBalance(t *testing.T) {
	h := newHead()
	h.set(addr(0), 0, 2)
	p := newPool(t, h, nil)
	txs := []*types.Transaction{transfer(0, 0, 1), transfer(0, 1, 1), transfer(0, 2, 1)}
	p.admit(txs, source{gossiped: true})
	if e, q := p.Stats(); e != 2 || q != 1 {
		t.Fatalf("%d executable, %d queued", e, q)
	}
	if x, _ := p.Explain(txs[2].Hash()); x.Status != StatusQueued || x.Reason != "insufficient funds for gas * price + value: balance 2, executable cost 2, tx cost 1" {
		t.Errorf("explained as %+v", x)
	}
	// Somebody pays the sender: the block shows it, and the rest runs.
	pay := types.MustSignNewTx(key(1), testSigner, &types.LegacyTx{To: new(addr(0)), Value: big.NewInt(1), Gas: 21_000, GasPrice: new(big.Int)})
	h.set(addr(1), 0, 1)
	number, block, _ := h.mine([]*types.Transaction{pay})
	h.set(addr(0), 0, 3)
	p.Committed(number, block, nil)
	if e, _ := p.Stats(); e != 3 {
		t.Fatalf("%d executable after the payment", e)
	}
	mustHold(t, p)
}
