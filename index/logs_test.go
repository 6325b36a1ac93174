package index_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

var silent = slog.New(slog.DiscardHandler)

// drawn builds a chain of blocks with drawn logs, with or without the index.
func drawn(t *testing.T, n *chaintest.Network, count int, indexed bool) *node {
	t.Helper()
	x := open(t, n, nil, indexed)
	t.Cleanup(func() { fatal(t, x.DB.Close()) })
	rng := rand.New(rand.NewPCG(3, 4))
	for range count {
		must[*types.Header](t)(n.Append(x.Chain, draw(n, rng)...))
	}
	return x
}

func network() *chaintest.Network { return chaintest.New(1, 3, chaintest.Loggers(contracts...)) }

// drawQuery draws what a client may ask: lists of known and unknown values, of
// any length, at any position.
func drawQuery(t *rapid.T) index.Query {
	address := rapid.SampledFrom(append([]common.Address{{7}}, contracts...))
	topic := rapid.SampledFrom(append([]common.Hash{{7}}, topics...))
	return index.Query{
		Addresses: rapid.SliceOfN(address, 0, 4).Draw(t, "addresses"),
		Topics:    rapid.SliceOfN(rapid.SliceOfN(topic, 0, 4), 0, 4).Draw(t, "topics"),
	}
}

// TestBlocks: on a real chain, whatever is asked, the index names the blocks
// that a scan of all receipts finds: no fewer, and here no more either.
func TestBlocks(t *testing.T) {
	const count = 300
	x := drawn(t, network(), count, true)
	rapid.Check(t, func(r *rapid.T) {
		q := drawQuery(r)
		from := rapid.Uint64Range(0, count).Draw(r, "from")
		to := rapid.Uint64Range(from, count).Draw(r, "to")
		if diff := cmp.Diff(scan(t, x.Chain, q, from, to), blocks(t, x.logs, q, from, to)); diff != "" {
			r.Fatalf("%+v in %d to %d (scan, index):\n%s", q, from, to, diff)
		}
	})
}

// TestSameRows: who commits, who imports and who builds the index afterwards,
// in steps and with interruptions, hold the same rows.
func TestSameRows(t *testing.T) {
	const count = 60
	n := network()
	committed := drawn(t, n, count, true)
	imported, late := open(t, n, nil, true), open(t, n, nil, false)
	defer imported.DB.Close()
	defer late.DB.Close()
	for number := uint64(1); number <= count; number++ {
		raw := must[[]byte](t)(committed.Chain.EncodedBlock(number))
		fatal(t, imported.Chain.Import(ctx, must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))))
		fatal(t, late.Chain.Import(ctx, must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))))
	}
	want := dump(t, committed.DB)
	if len(want) < count {
		t.Fatalf("%d rows of %d blocks with logs", len(want), count)
	}
	if diff := cmp.Diff(want, dump(t, imported.DB)); diff != "" {
		t.Errorf("committed and imported:\n%s", diff)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := late.logs.CatchUp(stopped, late.Chain, count, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("a build that was cancelled: %v", err)
	}
	fatal(t, late.logs.CatchUp(ctx, late.Chain, 20, silent))
	if got := must[uint64](t)(late.logs.Indexed()); got != 20 {
		t.Errorf("indexed to %d, want 20", got)
	}
	for range 2 { // the second time there is nothing to do
		fatal(t, late.logs.CatchUp(ctx, late.Chain, count, silent))
		if diff := cmp.Diff(want, dump(t, late.DB)); diff != "" {
			t.Errorf("committed and built afterwards:\n%s", diff)
		}
	}
}

// TestOlderDirectory: a chain that was written without the index refuses to go
// on with it, by words, until it has been built.
func TestOlderDirectory(t *testing.T) {
	n, fs := network(), vfs.NewMem()
	rng := rand.New(rand.NewPCG(5, 6))
	old := open(t, n, fs, false)
	for range 10 {
		must[*types.Header](t)(n.Append(old.Chain, draw(n, rng)...))
	}
	fatal(t, old.DB.Close())
	x := open(t, n, fs, true)
	defer x.DB.Close()
	_, err := n.Append(x.Chain, n.Users[0].Log(contracts[0]))
	if err == nil || !strings.Contains(err.Error(), "the log index is at block 0, block 11 cannot be next") {
		t.Fatalf("a hole in the index: %v", err)
	}
	n.Users[0].Nonce--
	x.Chain.Rollback(10)
	fatal(t, x.logs.CatchUp(ctx, x.Chain, 10, silent))
	must[*types.Header](t)(n.Append(x.Chain, n.Users[0].Log(contracts[0])))
	q := index.Query{Addresses: contracts}
	if diff := cmp.Diff(scan(t, x.Chain, q, 0, 11), blocks(t, x.logs, q, 0, 11)); diff != "" {
		t.Error(diff)
	}
}

// TestInTurns: logs of many contracts in turns make a value too long to keep; the
// block is then named for what might be, and never left out.
func TestInTurns(t *testing.T) {
	n := network()
	x := open(t, n, nil, true)
	defer x.DB.Close()
	var txs []*types.Transaction
	for i := range 600 {
		txs = append(txs, n.Users[0].Log(contracts[i%2], topics[i%2]))
	}
	must[*types.Header](t)(n.Append(x.Chain, txs...))
	must[*types.Header](t)(n.Append(x.Chain, txs[0:0]...))
	must[*types.Header](t)(n.Append(x.Chain, n.Users[0].Log(contracts[0], topics[0]), n.Users[0].Log(contracts[1], topics[1])))
	for _, c := range []struct {
		q    index.Query
		want []uint64
	}{
		{index.Query{Addresses: contracts[:1], Topics: [][]common.Hash{topics[:1]}}, []uint64{1, 3}},
		{index.Query{Addresses: contracts[:1], Topics: [][]common.Hash{topics[1:2]}}, []uint64{1}}, // not so, but possible
		{index.Query{}, []uint64{1, 3}},
		{index.Query{Topics: [][]common.Hash{nil, nil}}, []uint64{1, 3}}, // for the caller to compare
	} {
		if got := blocks(t, x.logs, c.q, 0, 3); !slices.Equal(got, c.want) {
			t.Errorf("%+v: blocks %v, want %v", c.q, got, c.want)
		}
	}
}

// TestBlocksEnds: a query that is not wanted any more ends at the next step and
// says how far it came, so that it can be asked again from there.
func TestBlocksEnds(t *testing.T) {
	const count = 100
	x := drawn(t, network(), count, true)
	want := blocks(t, x.logs, index.Query{Addresses: contracts}, 0, count)
	enough := errors.New("enough")
	var got []uint64
	for from := uint64(0); from <= count; {
		limited, cancel := context.WithCancel(ctx)
		taken := 0
		done, err := x.logs.Blocks(limited, index.Query{Addresses: contracts}, from, count, func(number uint64) error {
			if taken++; taken > 7 {
				return enough
			}
			if got = append(got, number); taken == 5 && from%2 == 0 {
				cancel()
			}
			return nil
		})
		cancel()
		if err != nil && !errors.Is(err, enough) && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if done <= from || err == nil && done != count+1 {
			t.Fatalf("from %d: done below %d, %v", from, done, err)
		}
		from = done
	}
	if !slices.Equal(got, want) {
		t.Errorf("in pieces %v\nat once %v", got, want)
	}
}

// TestDamagedRows are errors, not answers.
func TestDamagedRows(t *testing.T) {
	x := drawn(t, network(), 5, true)
	write := func(key, value []byte) {
		b := x.DB.NewBatch()
		fatal(t, b.Set(key, value))
		fatal(t, x.DB.Apply(b, true))
	}
	it := must[*store.Iterator](t)(x.DB.NewIter(store.Space(store.PrefixIndex)))
	var keys [][]byte
	for ok := it.First(); ok; ok = it.Next() {
		keys = append(keys, slices.Clone(it.Key()))
	}
	fatal(t, it.Close())
	for _, k := range keys {
		write(k, []byte{0xff})
	}
	if _, err := x.logs.Indexed(); err == nil {
		t.Error("a damaged row says how far the index is")
	}
	q := index.Query{Addresses: contracts, Topics: [][]common.Hash{topics}}
	if _, err := x.logs.Blocks(ctx, q, 0, 5, func(uint64) error { return nil }); err == nil || !strings.Contains(err.Error(), "damaged row") {
		t.Errorf("damaged rows were read: %v", err)
	}
}
