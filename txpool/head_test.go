package txpool

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func zero() *uint64 { return new(uint64) }

// testChain has every fork to Osaka from genesis, as the network's has.
var testChain = &params.ChainConfig{
	ChainID: big.NewInt(1337), HomesteadBlock: new(big.Int), EIP150Block: new(big.Int), EIP155Block: new(big.Int),
	EIP158Block: new(big.Int), ByzantiumBlock: new(big.Int), ConstantinopleBlock: new(big.Int), PetersburgBlock: new(big.Int),
	IstanbulBlock: new(big.Int), BerlinBlock: new(big.Int), LondonBlock: new(big.Int), MergeNetsplitBlock: new(big.Int),
	TerminalTotalDifficulty: new(big.Int), ShanghaiTime: zero(), CancunTime: zero(), PragueTime: zero(), OsakaTime: zero(),
}

var testSigner = types.LatestSigner(testChain)

// memHead is a committed state in memory: it applies transfers as the chain would.
type memHead struct {
	mu       sync.Mutex
	nonces   map[common.Address]uint64
	balances map[common.Address]*uint256.Int
	price    *big.Int
	number   uint64
	broken   error
	reads    int
}

func newHead() *memHead {
	return &memHead{nonces: make(map[common.Address]uint64), balances: make(map[common.Address]*uint256.Int)}
}

func (h *memHead) Account(addr common.Address) (uint64, *uint256.Int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	b := h.balances[addr]
	if b == nil {
		b = new(uint256.Int)
	}
	return h.nonces[addr], b.Clone(), h.broken
}

func (h *memHead) GasLimit() uint64      { return 100_000_000 }
func (h *memHead) MinGasPrice() *big.Int { return h.price }

func (h *memHead) set(addr common.Address, nonce, balance uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nonces[addr], h.balances[addr] = nonce, uint256.NewInt(balance)
}

// mine applies the transactions that are valid and returns the block of them and
// the reasons of the others.
func (h *memHead) mine(txs []*types.Transaction) (uint64, *types.Block, map[common.Hash]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.number++
	var in []*types.Transaction
	skipped := make(map[common.Hash]string)
	for _, tx := range txs {
		from, _ := types.Sender(testSigner, tx)
		nonce, cost := h.nonces[from], uint256.MustFromBig(tx.Cost())
		balance := h.balances[from]
		if balance == nil {
			balance = new(uint256.Int)
		}
		switch {
		case tx.Nonce() < nonce:
			skipped[tx.Hash()] = fmt.Sprintf("nonce too low: address %v, tx: %d state: %d", from, tx.Nonce(), nonce)
		case tx.Nonce() > nonce:
			skipped[tx.Hash()] = fmt.Sprintf("nonce too high: address %v, tx: %d state: %d", from, tx.Nonce(), nonce)
		case balance.Lt(cost):
			skipped[tx.Hash()] = "insufficient funds for gas * price + value"
		default:
			h.nonces[from] = nonce + 1
			h.balances[from] = new(uint256.Int).Sub(balance, cost)
			in = append(in, tx)
		}
	}
	block := types.NewBlockWithHeader(&types.Header{Number: new(big.Int).SetUint64(h.number)}).WithBody(types.Body{Transactions: in})
	return h.number, block, skipped
}

// key returns the i-th test key.
func key(i int) *ecdsa.PrivateKey {
	k, err := crypto.ToECDSA(crypto.Keccak256([]byte(fmt.Sprintf("txpool test key %d", i))))
	if err != nil {
		panic(err)
	}
	return k
}

func addr(i int) common.Address { return crypto.PubkeyToAddress(key(i).PublicKey) }

var sink = common.HexToAddress("0x00000000000000000000000000000000000051ac")

// transfer is a free transfer of value wei by key i.
func transfer(i int, nonce, value uint64) *types.Transaction {
	return types.MustSignNewTx(key(i), testSigner, &types.LegacyTx{
		Nonce: nonce, To: &sink, Value: new(big.Int).SetUint64(value), Gas: 21_000, GasPrice: new(big.Int),
	})
}

func priced(i int, nonce, tip, feeCap uint64) *types.Transaction {
	return types.MustSignNewTx(key(i), testSigner, &types.DynamicFeeTx{
		ChainID: testChain.ChainID, Nonce: nonce, To: &sink, Gas: 21_000,
		GasTipCap: new(big.Int).SetUint64(tip), GasFeeCap: new(big.Int).SetUint64(feeCap),
	})
}

func newPool(t testing.TB, h Head, change func(*Config)) *Pool {
	t.Helper()
	cfg := Default(testChain)
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg, h, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func add(t testing.TB, p *Pool, txs ...*types.Transaction) {
	t.Helper()
	for _, tx := range txs {
		if err := p.Add(t.Context(), tx); err != nil {
			t.Fatalf("add nonce %d: %v", tx.Nonce(), err)
		}
	}
}

func build(p *Pool, n int) []*types.Transaction { return p.Build(n, 4<<20, 100_000_000) }

// senders names the senders of a batch by key index.
func senders(t testing.TB, txs []*types.Transaction, keys int) []int {
	t.Helper()
	index := make(map[common.Address]int)
	for i := range keys {
		index[addr(i)] = i
	}
	var out []int
	for _, tx := range txs {
		from, err := types.Sender(testSigner, tx)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, index[from])
	}
	return out
}

// check verifies the pool's invariants from scratch.
func (p *Pool) checkInvariants() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	count, bytes, running, ready, forwarded, offered := 0, 0, 0, 0, 0, 0
	for a, acct := range p.accounts {
		slots, free, spent := 0, 0, new(uint256.Int)
		for i, e := range acct.entries {
			count, bytes, slots = count+1, bytes+e.size, slots+e.slots
			if e.forward > 0 {
				forwarded++
			}
			if p.all[e.tx.Hash()] != e || e.acct != acct {
				return fmt.Errorf("%v: entry %d is not indexed", a, i)
			}
			if i > 0 && acct.entries[i-1].nonce >= e.nonce {
				return fmt.Errorf("%v: nonces not ascending at %d", a, i)
			}
			if i < acct.run {
				spent.Add(spent, &e.cost)
				if e.nonce != acct.nonce+uint64(i) {
					return fmt.Errorf("%v: gap in the run at %d", a, i)
				}
				if e.flight == 0 {
					free++
				}
				if e.flight == 0 && i < acct.hint {
					return fmt.Errorf("%v: hint %d is beyond free entry %d", a, acct.hint, i)
				}
			}
		}
		if acct.run < len(acct.entries) {
			e := acct.entries[acct.run]
			if sum := new(uint256.Int).Add(spent, &e.cost); e.nonce == acct.nonce+uint64(acct.run) && !sum.Gt(&acct.balance) {
				return fmt.Errorf("%v: run %d is too short", a, acct.run)
			}
		}
		if spent.Gt(&acct.balance) || !spent.Eq(&acct.spent) || free != acct.free || slots != acct.slots {
			return fmt.Errorf("%v: books wrong: spent %v/%v of %v, free %d/%d, slots %d/%d", a, spent, &acct.spent, &acct.balance, free, acct.free, slots, acct.slots)
		}
		if (free > 0) != (acct.ready.in == &p.ready) || acct.visit.in == nil || len(acct.entries) == 0 {
			return fmt.Errorf("%v: in the wrong lists", a)
		}
		if acct.weight.in != &p.weights.buckets[min(slots, len(p.weights.buckets)-1)] {
			return fmt.Errorf("%v: in the wrong bucket", a)
		}
		running, offered = running+acct.run, offered+free
		if free > 0 {
			ready++
		}
	}
	if count != len(p.all) || bytes != p.bytes || running != p.running || ready != p.ready.n || p.Proposable() != offered {
		return fmt.Errorf("totals wrong: count %d/%d bytes %d/%d running %d/%d ready %d/%d", count, len(p.all), bytes, p.bytes, running, p.running, ready, p.ready.n)
	}
	held := 0
	for _, info := range p.peers.info {
		held += info.forwarded
	}
	if held != forwarded {
		return fmt.Errorf("forwarded: %d counted, %d held", held, forwarded)
	}
	return nil
}

func mustHold(t testing.TB, p *Pool) {
	t.Helper()
	if err := p.checkInvariants(); err != nil {
		t.Fatal(err)
	}
}

var errBroken = errors.New("disk on fire")
