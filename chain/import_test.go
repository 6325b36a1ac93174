package chain_test

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
)

// sealedBlock reads a block of c as a peer would send it.
func sealedBlock(t testing.TB, c *chain.Chain, number uint64) *chain.SealedBlock {
	t.Helper()
	raw := must[[]byte](t)(c.EncodedBlock(number))
	return must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))
}

// TestImport: a chain that imports ends up with the same blocks, rows and
// state, without the transactions that were skipped.
func TestImport(t *testing.T) {
	n := chaintest.New(4, 5)
	from, to := n.Node(t), n.Node(t)
	history(t, n, from.Chain)
	sub := to.Chain.Subscribe(10)
	for number := uint64(1); number <= 6; number++ {
		raw := must[[]byte](t)(from.Chain.EncodedBlock(number))
		b := must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))
		if again := must[[]byte](t)(b.Encode()); !slices.Equal(again, raw) {
			t.Fatalf("block %d: the encoding is not canonical", number)
		}
		fatal(t, to.Chain.Import(ctx, b))
		fatal(t, to.Chain.Import(ctx, b)) // again: nothing happens
		if e := <-sub.C(); e.Block.Hash() != from.Chain.GetHash(number) {
			t.Fatalf("event of block %d is %s", number, e.Block.Hash())
		}
		got := must[[]byte](t)(to.Chain.EncodedBlock(number))
		if !slices.Equal(got, raw) {
			t.Fatalf("block %d is served differently by the one who imported it", number)
		}
	}
	if to.Chain.Head().Hash() != from.Chain.Head().Hash() {
		t.Fatalf("heads %s and %s", to.Chain.Head().Hash(), from.Chain.Head().Hash())
	}
}

// TestImportUsesSpeculation: a block that was executed already is committed
// with its certificate, and what stands on it stays.
func TestImportUsesSpeculation(t *testing.T) {
	n := chaintest.New(4, 2)
	from, to := n.Node(t), n.Node(t)
	batches, headers := pipeline(t, n, from.Chain, 3)
	for i, b := range batches {
		fatal(t, from.Chain.Commit(b, n.Certify(headers[i])))
		block := must[*types.Block](t)(from.Chain.Block(uint64(i + 1)))
		must[*types.Header](t)(to.Chain.Execute(ctx, b, block.ParentHash(), block.Transactions()))
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel() // executing anew would fail
	fatal(t, to.Chain.ImportVerified(cancelled, must[*chain.Verified](t)(to.Chain.Verify(sealedBlock(t, from.Chain, 1)))))
	if to.State.Layers() != 2 {
		t.Fatalf("%d layers are left of 2", to.State.Layers())
	}
	// Another block 2 was speculated than the one that the quorum chose.
	to.Chain.Rollback(1)
	other := n.Batch(to.Chain.Head(), nil)
	must[*types.Header](t)(to.Chain.Execute(ctx, other, headers[0].Hash(), nil))
	fatal(t, to.Chain.Import(ctx, sealedBlock(t, from.Chain, 2)))
	if to.Chain.Head().Hash() != headers[1].Hash() {
		t.Fatalf("head is %s, certified is %s", to.Chain.Head().Hash(), headers[1].Hash())
	}
}

// TestVerifyRefuses: a lie in any part of a sealed block is found before
// anything is executed.
func TestVerifyRefuses(t *testing.T) {
	n := chaintest.New(4, 5)
	from, to := n.Node(t), n.Node(t)
	txs := transfers(n, 3)
	must[*types.Header](t)(n.Append(from.Chain, txs...))
	stranger := chaintest.New(7, 5)
	for name, lie := range map[string]func(b *chain.SealedBlock){
		"no header":              func(b *chain.SealedBlock) { b.Header = nil },
		"no batch header":        func(b *chain.SealedBlock) { b.BatchHeader = nil },
		"no certificate":         func(b *chain.SealedBlock) { b.Certificate = nil },
		"number":                 func(b *chain.SealedBlock) { b.Header.Number = big.NewInt(2) },
		"number of 65 bits":      func(b *chain.SealedBlock) { b.Header.Number = new(big.Int).Lsh(big.NewInt(1), 64) },
		"state root":             func(b *chain.SealedBlock) { b.Header.Root[0]++ },
		"extra data":             func(b *chain.SealedBlock) { b.Header.Extra = []byte{1} },
		"parent hash":            func(b *chain.SealedBlock) { b.Header.ParentHash[0]++ },
		"batch time":             func(b *chain.SealedBlock) { b.BatchHeader.TimeMs++ },
		"batch seq":              func(b *chain.SealedBlock) { b.BatchHeader.Seq++ },
		"batch epoch":            func(b *chain.SealedBlock) { b.BatchHeader.Epoch++ },
		"certificate seq":        func(b *chain.SealedBlock) { b.Certificate.Seq++ },
		"certificate epoch":      func(b *chain.SealedBlock) { b.Certificate.Epoch++ },
		"certificate view":       func(b *chain.SealedBlock) { b.Certificate.View++ },
		"certificate digest":     func(b *chain.SealedBlock) { b.Certificate.BatchDigest[0]++ },
		"certificate block hash": func(b *chain.SealedBlock) { b.Certificate.BlockHash[0]++ },
		"signature":              func(b *chain.SealedBlock) { b.Certificate.Signatures[3][5]++ },
		"signature missing":      func(b *chain.SealedBlock) { b.Certificate.Signatures = b.Certificate.Signatures[:3] },
		"too few signers": func(b *chain.SealedBlock) {
			b.Certificate.Signers = consensus.Bitset{3}
			b.Certificate.Signatures = b.Certificate.Signatures[:2]
		},
		"one signer three times": func(b *chain.SealedBlock) {
			s := b.Certificate.Signatures[0]
			b.Certificate.Signers, b.Certificate.Signatures = consensus.Bitset{7}, []consensus.Signature{s, s, s}
		},
		"strangers signed": func(b *chain.SealedBlock) { b.Certificate = stranger.Certify(b.Header) },
		"transaction missing": func(b *chain.SealedBlock) {
			b.Transactions = b.Transactions[:2]
		},
		"transactions swapped": func(b *chain.SealedBlock) {
			b.Transactions[0], b.Transactions[1] = b.Transactions[1], b.Transactions[0]
		},
		"transaction twice":    func(b *chain.SealedBlock) { b.Transactions = append(b.Transactions, b.Transactions[0]) },
		"other transaction":    func(b *chain.SealedBlock) { b.Transactions[1] = n.Users[4].Transfer(common.Address{1}, 9) },
		"certified bad sender": func(b *chain.SealedBlock) { forgeSender(n, b) },
	} {
		b := sealedBlock(t, from.Chain, 1)
		lie(b)
		if err := to.Chain.Import(ctx, b); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if to.Chain.Head().Number.Sign() != 0 {
		t.Fatal("something was imported")
	}
	fatal(t, to.Chain.Import(ctx, sealedBlock(t, from.Chain, 1)))
}

// forgeSender lets a quorum certify a block with a transaction that nobody
// signed: even so it is refused before execution.
func forgeSender(n *chaintest.Network, b *chain.SealedBlock) {
	to := common.Address{1}
	b.Transactions = types.Transactions{types.NewTx(&types.LegacyTx{To: &to, Gas: 21_000, GasPrice: new(big.Int), Value: new(big.Int), V: big.NewInt(27), R: big.NewInt(1), S: new(big.Int)})}
	b.Header.TxHash = types.DeriveSha(types.Transactions(b.Transactions), hashList())
	b.Certificate = n.Certify(b.Header)
}

// TestImportDiverges: what a quorum certified and this node cannot agree with
// is nobody's lie: execution that differs, a parent that differs, a second
// block of one number. A gap is neither.
func TestImportDiverges(t *testing.T) {
	n := chaintest.New(4, 5)
	from, to := n.Node(t), n.Node(t)
	for range 3 {
		must[*types.Header](t)(n.Append(from.Chain, transfers(n, 2)...))
	}
	if err := to.Chain.Import(ctx, sealedBlock(t, from.Chain, 2)); !errors.Is(err, chain.ErrGap) {
		t.Fatalf("a gap: %v", err)
	}
	wrongRoot := func(number uint64, f func(h *types.Header)) *chain.SealedBlock {
		b := sealedBlock(t, from.Chain, number)
		f(b.Header)
		b.Certificate = n.Certify(b.Header)
		return b
	}
	for _, x := range []struct {
		name string
		b    *chain.SealedBlock
	}{
		{"state root", wrongRoot(1, func(h *types.Header) { h.Root[0]++ })},
		{"parent", wrongRoot(1, func(h *types.Header) { h.ParentHash[0]++ })},
	} {
		err := to.Chain.Import(ctx, x.b)
		var d *chain.Divergence
		if !errors.As(err, &d) || d.Certified.Hash() != x.b.Header.Hash() || d.Own == nil || errors.Is(err, chain.ErrInvalid) {
			t.Fatalf("%s: %v", x.name, err)
		}
		for _, h := range []common.Hash{d.Own.Hash(), d.Hash, d.Own.Root, d.Certified.Root} {
			if !strings.Contains(err.Error(), h.Hex()) {
				t.Fatalf("%s: %q does not name %s", x.name, err, h)
			}
		}
		if to.Chain.Head().Number.Sign() != 0 || to.State.Layers() != 0 {
			t.Fatalf("%s: head %d, %d layers", x.name, to.Chain.Head().Number, to.State.Layers())
		}
	}
	fatal(t, to.Chain.Import(ctx, sealedBlock(t, from.Chain, 1)))
	var d *chain.Divergence
	if err := to.Chain.Import(ctx, wrongRoot(1, func(h *types.Header) { h.Root[0]++ })); !errors.As(err, &d) || d.Own.Hash() != from.Chain.GetHash(1) {
		t.Fatalf("a second block 1: %v", err)
	}
}
