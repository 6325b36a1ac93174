package bubble

import (
	"context"
	"math/big"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/devnet"
)

// Load is a set of clients, one per funded account. Each submits a transfer to
// some node with power, waits until a node with power serves the receipt,
// writes that down and submits the next; what stays unanswered it submits
// again, the same transaction, to another node.
type Load struct {
	c     *Cluster
	pause time.Duration
	stop  chan struct{}
	once  sync.Once
	all   sync.WaitGroup

	mu     sync.Mutex
	served []Served
}

// Served is a receipt that a client has seen.
type Served struct {
	Tx    common.Hash
	Block common.Hash
	At    uint64 // number of the block
}

// Of a client's patience.
const (
	lookEvery  = 25 * time.Millisecond // for the receipt
	retryAfter = time.Second           // to submit again
)

// StartLoad starts so many clients, at most one per account, each of which rests
// for the pause after a receipt. seed chooses whom they talk to.
func (c *Cluster) StartLoad(clients int, pause time.Duration, seed uint64) *Load {
	l := &Load{c: c, pause: pause, stop: make(chan struct{})}
	c.loads = append(c.loads, l)
	for i := range clients {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		l.all.Go(func() { l.client(c.Users[i], rng) })
	}
	return l
}

// Stop ends the clients and returns every receipt that was served.
func (l *Load) Stop() []Served {
	l.once.Do(func() { close(l.stop) })
	l.all.Wait()
	return l.served
}

// Count returns how many receipts were served.
func (l *Load) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.served)
}

func (l *Load) client(from devnet.Account, rng *rand.Rand) {
	for nonce := uint64(0); ; nonce++ {
		tx := l.c.Transfer(from, nonce)
		for !l.submit(tx, rng) {
			if l.ended(0) {
				return
			}
		}
		if l.ended(l.pause) {
			return
		}
	}
}

// ended waits and reports whether the load was stopped.
func (l *Load) ended(wait time.Duration) bool {
	select {
	case <-l.stop:
		return true
	case <-time.After(wait):
		return false
	}
}

// submit gives a transaction to one node and reports whether its receipt came.
func (l *Load) submit(tx *types.Transaction, rng *rand.Rand) bool {
	own := new(types.Transaction)
	if raw, err := tx.MarshalBinary(); err != nil || own.UnmarshalBinary(raw) != nil {
		panic("a signed transaction does not survive its encoding")
	}
	l.c.Members[rng.IntN(len(l.c.Members))].ask(func(n *node.Node) {
		_ = n.Pool().Add(context.Background(), own) // a refusal shows as a missing receipt
	})
	for end := time.Now().Add(retryAfter); time.Now().Before(end); {
		if l.ended(lookEvery) {
			return false
		}
		if s, ok := l.look(tx.Hash(), rng); ok {
			l.mu.Lock()
			l.served = append(l.served, s)
			l.mu.Unlock()
			return true
		}
	}
	return false
}

// look asks one node for a receipt. What a node says after its power was cut
// is not heard.
func (l *Load) look(tx common.Hash, rng *rand.Rand) (s Served, ok bool) {
	heard := l.c.Members[rng.IntN(len(l.c.Members))].ask(func(n *node.Node) {
		var number uint64
		var err error
		number, _, ok, err = n.Chain().Lookup(tx)
		if ok = ok && err == nil; ok {
			s = Served{tx, n.Chain().GetHash(number), number}
		}
	})
	return s, ok && heard
}

// Transfer signs a transfer of one wei from an account to the address of its
// nonce.
func (c *Cluster) Transfer(from devnet.Account, nonce uint64) *types.Transaction {
	to := common.BigToAddress(new(big.Int).SetUint64(1<<40 + nonce))
	tx, err := types.SignNewTx(from.Key, types.LatestSignerForChainID(new(big.Int).SetUint64(c.Genesis.ChainID)),
		&types.LegacyTx{Nonce: nonce, To: &to, Value: big.NewInt(1), Gas: params.TxGas, GasPrice: new(big.Int)})
	if err != nil {
		panic(err) // the key is one
	}
	return tx
}
