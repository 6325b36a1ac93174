package state

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/store"
)

// given is a signer that accepts any sender that was cached before: the figures
// are without signature recovery, which happens where a transaction enters.
type given struct {
	types.Signer
	from common.Address
}

func (g given) Sender(*types.Transaction) (common.Address, error) { return g.from, nil }
func (g given) Equal(types.Signer) bool                           { return true }

// crowd is a set of funded accounts that pay each other at random.
type crowd struct {
	rng    *rand.Rand
	addrs  []common.Address
	nonces []uint64
}

func newCrowd(n int) (*crowd, types.GenesisAlloc) {
	c := &crowd{rng: rand.New(rand.NewSource(1)), addrs: make([]common.Address, n), nonces: make([]uint64, n)}
	a := alloc(nil)
	for i := range c.addrs {
		c.rng.Read(c.addrs[i][:])
		a[c.addrs[i]] = types.Account{Balance: new(big.Int).Mul(big.NewInt(1000), big.NewInt(params.Ether))}
	}
	return c, a
}

// addContracts puts the system contracts of a network of one into an allocation.
func addContracts(a types.GenesisAlloc) {
	g := genesis.Default()
	g.Validators = []genesis.Validator{{Address: common.Address{1}, NodeID: "16Uiu2HAmBtZK9xE9PibzUs29P2RHwwD1dB6b9dzWs61ywLJD3Q23"}}
	g.AddContracts()
	for _, c := range contracts.All() {
		a[c.Address] = g.Alloc[c.Address]
	}
}

// batch makes n transfers with random signatures of the usual size.
func (c *crowd) batch(n int) []*types.Transaction {
	txs := make([]*types.Transaction, n)
	for i := range txs {
		from, to := c.rng.Intn(len(c.addrs)), c.rng.Intn(len(c.addrs))
		var rs [64]byte
		c.rng.Read(rs[:])
		txs[i] = types.NewTx(&types.DynamicFeeTx{
			ChainID: big.NewInt(1234), Nonce: c.nonces[from], To: &c.addrs[to], Value: big.NewInt(1 + c.rng.Int63n(params.Ether)), Gas: 21000,
			GasTipCap: new(big.Int), GasFeeCap: new(big.Int), V: new(big.Int), R: new(big.Int).SetBytes(rs[:32]), S: new(big.Int).SetBytes(rs[32:]),
		})
		c.nonces[from]++
		if _, err := types.Sender(given{types.LatestSigner(osaka()), c.addrs[from]}, txs[i]); err != nil {
			panic(err)
		}
		txs[i].Hash() // the pool knows it already
	}
	return txs
}

// cpu is the processor time that this process has used, all threads.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTransfers executes and commits blocks of transfers among 10,000
// accounts, on disk, with one fsync per block, on a chain with the system contracts,
// whose lists are open. It reports processor time (all
// threads, garbage collection and compaction included) and wall time per
// transfer.
func BenchmarkTransfers(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			defer debug.SetGCPercent(debug.SetGCPercent(400))
			people, a := newCrowd(10_000)
			addContracts(a)
			c := newChainWith(b, store.Options{}, DefaultHistory, a)
			defer c.close()
			var used, wall, exec time.Duration
			for b.Loop() {
				b.StopTimer()
				txs := people.batch(n)
				b.StartTimer()
				u, t := cpu(), time.Now()
				l := c.executeTall(txs)
				exec += cpu() - u
				c.commit(l, true)
				used += cpu() - u
				wall += time.Since(t)
			}
			txs := float64(b.N * n)
			b.ReportMetric(float64(used.Nanoseconds())/txs, "cpu-ns/tx")
			b.ReportMetric(float64(exec.Nanoseconds())/txs, "exec-cpu-ns/tx")
			b.ReportMetric(float64(wall.Nanoseconds())/txs, "wall-ns/tx")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkDeepSpeculation executes blocks of 1,000 transfers eight layers above
// the head, which is as deep as consensus goes.
func BenchmarkDeepSpeculation(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	const depth, size = 8, 1000
	people, a := newCrowd(10_000)
	c := newChainWith(b, store.Options{}, DefaultHistory, a)
	defer c.close()
	var live []*Layer
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		txs := people.batch(size)
		b.StartTimer()
		u := cpu()
		live = append(live, c.executeTall(txs))
		if len(live) >= depth {
			c.commit(live[0], true)
			live = live[1:]
		}
		used += cpu() - u
	}
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*size), "cpu-ns/tx")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkReads opens a view and reads one balance: at the head, and 100 blocks
// below it; and reads one account for the pool.
func BenchmarkReads(b *testing.B) {
	people, a := newCrowd(10_000)
	c := newChainWith(b, store.Options{}, DefaultHistory, a)
	defer c.close()
	for range 120 {
		c.commit(c.executeTall(people.batch(100)), false)
	}
	read := func(open func() (*View, error)) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				v, err := open()
				if err != nil {
					b.Fatal(err)
				}
				v.StateDB.GetBalance(people.addrs[people.rng.Intn(len(people.addrs))])
				if err := v.Close(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("latest", read(c.state.Latest))
	b.Run("historical", read(func() (*View, error) { return c.state.At(20) }))
	b.Run("pool", func(b *testing.B) {
		for b.Loop() {
			if _, _, _, err := c.state.Account(people.addrs[people.rng.Intn(len(people.addrs))]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// executeTall is execute with a gas limit that 5,000 transfers fit in.
func (c *chain) executeTall(txs []*types.Transaction) *Layer {
	c.t.Helper()
	h := next(c.tip)
	h.GasLimit = 200_000_000
	l, err := c.state.Execute(context.Background(), h, txs, func(n uint64) common.Hash { return c.hashes[n] }, nil)
	if err != nil || len(l.Skipped) > 0 {
		c.t.Fatalf("%d skipped: %v", len(l.Skipped), err)
	}
	c.tip = l.Block.Header()
	return l
}

// chainRows writes what the package chain writes for a block, as compactly as
// it can be written: header, transactions, receipts, lookups.
func chainRows(b *store.Batch, l *Layer) error {
	n := l.number()
	header, err := rlp.EncodeToBytes(l.Block.Header())
	if err != nil {
		return err
	}
	body, err := rlp.EncodeToBytes(l.Block.Transactions())
	if err != nil {
		return err
	}
	var receipts []byte
	for i, tx := range l.Block.Transactions() {
		receipts = binary.AppendUvarint(receipts, l.Receipts[i].GasUsed<<1|l.Receipts[i].Status)
		if err := b.Set(store.LookupKey(tx.Hash(), n, uint64(i)), nil); err != nil {
			return err
		}
	}
	header = append(header, make([]byte, 400)...) // batch header and certificate
	for key, value := range map[string][]byte{string(store.HeaderKey(n)): header, string(store.BodyKey(n)): body, string(store.ReceiptsKey(n)): receipts} {
		if err := b.Set([]byte(key), value); err != nil {
			return err
		}
	}
	return nil
}

// TestDiskPerTransfer: after compaction a transfer takes at most 350 bytes on
// disk, with its body, receipt, lookup, history, and its share of the state.
func TestDiskPerTransfer(t *testing.T) {
	const blocks, size, limit = 20, 1000, 350
	people, a := newCrowd(10_000)
	c := newChainWith(t, store.Options{}, DefaultHistory, a)
	defer c.close()
	used := func() uint64 {
		if err := c.db.Compact(context.Background()); err != nil {
			t.Fatal(err)
		}
		n, err := c.db.SpaceBytes([]byte{0}, []byte{0xff})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := used()
	for range blocks {
		l := c.executeTall(people.batch(size))
		b := c.db.NewBatch()
		if err := chainRows(b, l); err != nil {
			t.Fatal(err)
		}
		if err := c.state.Stage(b, l); err != nil {
			t.Fatal(err)
		}
		if err := c.db.Apply(b, false); err != nil {
			t.Fatal(err)
		}
		c.state.Publish(l)
	}
	perTx := float64(used()-before) / (blocks * size)
	for _, p := range store.Prefixes {
		lower, upper := store.Space(p)
		n, err := c.db.SpaceBytes(lower, upper)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("space %q: %7d bytes, %6.1f per transfer", p, n, float64(n)/(blocks*size))
	}
	t.Logf("%.0f bytes per transfer beside the %d of genesis", perTx, before)
	if perTx > limit {
		t.Fatalf("%.0f bytes per transfer, at most %d are allowed", perTx, limit)
	}
}
