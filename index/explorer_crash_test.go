package index_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
)

// busy makes a block that touches every kind of row.
func busy(n *chaintest.Network, rng *rand.Rand, salt uint64) []*types.Transaction {
	user := func() *chaintest.User { return n.Users[rng.IntN(len(n.Users))] }
	party := func() common.Hash { return word(common.Address{0xa0, byte(rng.IntN(4))}) }
	out := []*types.Transaction{
		user().Transfer(common.Address{9}, 1),
		user().Make(factory, common.BytesToHash(number(salt)), rng.IntN(3) == 0),
		user().Flash(fickle, common.BytesToHash(number(salt/3)), rng.IntN(3) == 0, false),
		user().Emit(tokenContracts[0], number(rng.Uint64N(1000)), transferTopic, common.Hash{}, party()),
		user().Emit(tokenContracts[0], number(rng.Uint64N(1000)), transferTopic, party(), party()),
		user().Emit(tokenContracts[1], nil, transferTopic, party(), party(), common.BytesToHash(number(rng.Uint64N(3)))),
		user().Emit(tokenContracts[2], append(number(rng.Uint64N(3)), number(5)...), singleTopic, party(), party(), party()),
	}
	return out[:1+rng.IntN(len(out))]
}

// TestExplorerPowerCuts: whenever the power goes while blocks are committed, imported
// or indexed afterwards, both indexes that come back end at a block that was made, at
// the chain's head when they are written with the chain, with exactly its rows; and
// they go on from there.
func TestExplorerPowerCuts(t *testing.T) {
	const count = 10
	n := explorerNetwork()
	rng := rand.New(rand.NewPCG(9, 10))
	var sealed [][]byte
	want := make([][][]byte, count+1) // rows by the number of the last block
	commits := powerCuts(t, func(fs vfs.FS) {
		x := explore(t, n, fs, true)
		for number := uint64(1); number <= count; number++ {
			must[*types.Header](t)(n.Append(x.Chain, busy(n, rng, number)...))
			sealed = append(sealed, must[[]byte](t)(x.Chain.EncodedBlock(number)))
			want[number] = dump(t, x.DB)
		}
		fatal(t, x.DB.Close())
	})
	importAll := func(x *explorer) {
		for _, raw := range sealed {
			fatal(t, x.Chain.Import(ctx, must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))))
		}
	}
	imports := powerCuts(t, func(fs vfs.FS) {
		x := explore(t, n, fs, true)
		importAll(x)
		fatal(t, x.DB.Close())
	})
	builds := powerCuts(t, func(fs vfs.FS) {
		x := explore(t, n, fs, false)
		importAll(x)
		for to := uint64(2); to <= count; to += 2 {
			x.catchUp(t, to)
		}
		fatal(t, x.DB.Close())
	})
	for name, c := range map[string]struct {
		clones []vfs.FS
		least  int // different ends that must come back; what a cut leaves is drawn
	}{"commit": {commits, 6}, "import": {imports, 6}, "build": {builds, 3}} {
		seen := map[uint64]bool{}
		for _, fs := range c.clones {
			seen[reexplore(t, n, fs, want, name != "build")] = true
		}
		if len(seen) < c.least {
			t.Errorf("%s: %d cuts left only %d different ends: the test cuts at the wrong moments", name, len(c.clones), len(seen))
		}
	}
}

// reexplore checks one clone, completes its indexes, and returns where they had ended.
func reexplore(t *testing.T, n *chaintest.Network, fs vfs.FS, want [][][]byte, withChain bool) uint64 {
	t.Helper()
	x := explore(t, n, fs, withChain)
	defer x.DB.Close()
	head := x.Chain.Head().Number.Uint64()
	addresses, tokens := must[uint64](t)(x.addresses.Indexed()), must[uint64](t)(x.tokens.Indexed())
	if addresses > head || tokens > addresses || withChain && (tokens != head || addresses != head) {
		t.Fatalf("after the power cut the chain stands at %d, the indexes at %d and %d", head, addresses, tokens)
	}
	if addresses == tokens { // a build writes one after the other
		if diff := cmp.Diff(want[tokens], dump(t, x.DB)); diff != "" {
			t.Fatalf("the indexes of block %d are others after the power cut:\n%s", tokens, diff)
		}
	}
	x.catchUp(t, head)
	if diff := cmp.Diff(want[head], dump(t, x.DB)); diff != "" {
		t.Fatalf("the indexes of block %d, completed after the power cut, are others:\n%s", head, diff)
	}
	return tokens
}
