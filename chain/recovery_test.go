package chain_test

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/recovery"
	"github.com/quorate/quorate/registry"
)

// newRecoverable is a chain of seven members which two of three keys recover.
func newRecoverable(t *testing.T) *contractstest.World {
	w := contractstest.NewRecoverable(t, 7)
	t.Cleanup(w.Close)
	return w
}

// TestRecovery: the set of a document decides from the block after the cut on; that
// block holds no transaction and writes the members into the contracts, where all
// votes of before are closed, and the new members vote. Who imports comes to the same.
func TestRecovery(t *testing.T) {
	w := newRecoverable(t)
	lost := w.Actor("v3")
	w.Must(w.Actor("v0"), contracts.Validators, "propose", w.Pack(contracts.Validators, "remove", lost.Address))
	w.Must(w.Actor("v1"), contracts.Parameters, "propose", w.Pack(contracts.Parameters, "setParameter", contracts.NameKey(contracts.BlockGasLimit), big.NewInt(1<<25)))
	w.Pass(contracts.Validators, "add", w.Actor("candidate").Address, contractstest.NodeBytes("candidate"), "candidate")
	d := w.Recovery(w.Chain, []int{0, 2}, "v0", "v1", "v2", "newcomer")
	cut := uint64(d.Number)
	fatal(t, w.Chain.Recover(d))
	fatal(t, w.Chain.Recover(d)) // again: nothing
	now := w.Chain.CurrentEpoch()
	if now.Epoch != 1 || now.First != d.First() || now.Last() != d.Number+10 || now.Set.Len() != 4 || now.SetSince != 1 || !w.Chain.ChangePending() || !w.Chain.Recovered(cut) || w.Chain.Recovered(cut-1) {
		t.Fatalf("epoch %+v, pending %v", now, w.Chain.ChangePending())
	}
	tx := w.Sign(w.Actor("v4"), &types.LegacyTx{To: &contracts.Validators.Address, Gas: 1 << 20, GasPrice: new(big.Int), Data: w.Pack(contracts.Validators, "resign")})
	w.Offer(tx)
	if b := must[*types.Block](t)(w.Chain.Block(cut + 1)); len(b.Transactions()) != 0 || w.Chain.ChangePending() {
		t.Errorf("the first block holds %d transactions, pending %v", len(b.Transactions()), w.Chain.ChangePending())
	}
	checkRecovered(t, w, d)
	w.Pass(contracts.Validators, "remove", w.Actor("v2").Address) // three of four
	endEpoch(t, w, true)
	if now := w.Chain.CurrentEpoch(); now.Epoch != 2 || now.Set.Len() != 3 || now.Recovery != (common.Hash{}) || now.Last() != d.Number+20 {
		t.Errorf("after a vote of the new members epoch %d has %d validators", now.Epoch, now.Set.Len())
	}

	second := w.Recovery(w.Chain, []int{1, 2}, "v0", "v9") // at a boundary, whose checkpoint is stable
	fatal(t, w.Chain.Recover(second))
	w.Block()
	w.Block()
	if _, err := w.Chain.CheckpointData(0); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("checkpoint of the epoch that was cut: %v", err)
	}
	links := must[[]chain.Link](t)(w.Chain.Links(3))
	if len(links) != 1 || links[0].Recovery == nil || links[0].Next.Epoch != 3 {
		t.Errorf("links %+v", links)
	}
	if links = must[[]chain.Link](t)(w.Chain.Links(2)); len(links) != 2 || links[0].Recovery == nil || links[1].Certificate == nil {
		t.Errorf("links to before the second one: %+v", links)
	}
	importsRecovered(t, w)
}

// checkRecovered checks what the contracts say after the first block.
func checkRecovered(t *testing.T, w *contractstest.World, d *recovery.Document) {
	t.Helper()
	v := must[*registry.Validators](t)(registry.ReadValidators(w.Read))
	if len(v.Members) != len(d.Members) || len(v.Candidates) != 0 {
		t.Fatalf("members %+v, candidates %+v", v.Members, v.Candidates)
	}
	for i, m := range v.Members {
		want := d.Members[i]
		if m.Address != want.Address || m.NodeID != genesis.NodeIDString(want.NodeID) || m.Name != want.Name {
			t.Errorf("member %d: %+v, want %+v", i, m, want)
		}
		if owner := w.View(contracts.Validators, "ownerOf", want.NodeID)[0]; owner != m.Address {
			t.Errorf("the node of %s belongs to %s", m.Name, owner)
		}
	}
	if w.View(contracts.Validators, "isMember", w.Actor("v3").Address)[0].(bool) || w.View(contracts.Validators, "ownerOf", contractstest.NodeBytes("v3"))[0] != (common.Address{}) {
		t.Error("who is lost is still a member, or owns a node")
	}
	for _, c := range contracts.All() {
		if open := must[[]registry.Proposal](t)(registry.OpenProposals(w.Read, c)); len(open) != 0 {
			t.Errorf("%s: open are %+v", c.Name, open)
		}
	}
	p := must[registry.Proposal](t)(registry.ReadProposal(w.Read, contracts.Parameters, 1))
	if p.Status != registry.ProposalExpired {
		t.Errorf("a vote of before is %s", p.Status)
	}
	list := registry.ReadRecoveries(w.Read)
	if want := (registry.RecoveryRecord{Digest: d.Digest(w.Domain), Ends: d.Ends, Number: d.Number}); len(list) != 1 || list[0] != want {
		t.Errorf("the record is %+v, want %+v", list, want)
	}
}

// importsRecovered: a node that has nothing but the blocks, with what stands beside
// them, comes to the same, also if it is restarted after every block.
func importsRecovered(t *testing.T, w *contractstest.World) {
	t.Helper()
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	for number := uint64(1); number <= w.Chain.Head().Number.Uint64(); number++ {
		b := sealedBlock(t, w.Chain, number)
		if again := must[[]byte](t)(b.Encode()); string(again) != string(must[[]byte](t)(w.Chain.EncodedBlock(number))) {
			t.Fatalf("block %d: the encoding is not canonical", number)
		}
		fatal(t, node.Chain.Import(ctx, b))
		fatal(t, node.DB.Close())
		node = must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	}
	a, b := w.Chain.CurrentEpoch(), node.Chain.CurrentEpoch()
	if node.Chain.Head().Hash() != w.Chain.Head().Hash() || a.Epoch != b.Epoch || a.Hash() != b.Hash() || a.Recovery != b.Recovery || a.Versions != b.Versions || w.Chain.ChangePending() != node.Chain.ChangePending() {
		t.Errorf("who imports is at %+v, want %+v", b, a)
	}
	fatal(t, node.DB.Close())
}

// TestRecoveryAtBoundary: at the last block of an epoch, whose checkpoint nobody could
// make stable, the epoch that ends is the one after it: in that one somebody may have
// voted.
func TestRecoveryAtBoundary(t *testing.T) {
	w := newRecoverable(t)
	w.Pass(contracts.Validators, "remove", w.Actor("v5").Address)
	endEpoch(t, w, false)
	d := w.Recovery(w.Chain, []int{0, 1}, "v0") // a set of one
	if d.Ends != 1 || d.Number != 10 {
		t.Fatalf("it ends epoch %d with block %d", d.Ends, d.Number)
	}
	fatal(t, w.Chain.Recover(d))
	w.Block()
	if now := w.Chain.CurrentEpoch(); now.Epoch != 2 || now.First != 11 || now.Set.Len() != 1 {
		t.Errorf("epoch %+v", now)
	}
	if l := must[[]chain.Link](t)(w.Chain.Links(2)); len(l) != 1 || l[0].Recovery == nil {
		t.Errorf("a link that never came is asked for: %+v", l)
	}
	if _, err := w.Chain.CheckpointData(1); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("checkpoint of an epoch that was cut: %v", err)
	}
	importsRecovered(t, w)
}

// TestRecoveryWaits: a node that is below the block keeps the document, also through a
// restart, and the epoch begins when the block is there.
func TestRecoveryWaits(t *testing.T) {
	w := newRecoverable(t)
	w.Block()
	w.Block()
	w.Block()
	d := w.Recovery(w.Chain, []int{0, 1}, "v0", "newcomer")
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	fatal(t, node.Chain.Recover(d))
	for number := uint64(1); number <= 3; number++ {
		if r := node.Chain.Recoveries(); len(r) != 1 || !r[0].Waiting || node.Chain.CurrentEpoch().Epoch != 0 {
			t.Fatalf("below block %d: %+v, epoch %d", number, r, node.Chain.CurrentEpoch().Epoch)
		}
		if held, err := node.Chain.CheckRecovery(d); !held || err != nil {
			t.Errorf("it is not held: %v", err)
		}
		fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, number)))
		fatal(t, node.DB.Close())
		node = must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	}
	if r := node.Chain.Recoveries(); r[0].Waiting || node.Chain.CurrentEpoch().Epoch != 1 || !node.Chain.ChangePending() {
		t.Errorf("at its block: %+v, epoch %d", r, node.Chain.CurrentEpoch().Epoch)
	}
	fatal(t, node.DB.Close())
}

// TestRecoveryRefused: what is not signed by enough keys, not of this chain, or takes
// final blocks away changes nothing, and says why.
func TestRecoveryRefused(t *testing.T) {
	w := newRecoverable(t)
	w.Block()
	w.Block()
	below := w.Recovery(w.Chain, []int{0, 1}, "v0", "v1")
	w.Block()
	good := w.Recovery(w.Chain, []int{0, 1}, "v0", "v1")
	resigned := func(change func(*recovery.Document)) *recovery.Document {
		d := *good
		change(&d)
		d.Signatures = nil
		w.SignRecovery(&d, 0, 2)
		return &d
	}
	tampered := *good
	tampered.Members = append([]recovery.Member{}, good.Members...)
	tampered.Members[0].Endpoint = "10.0.0.1:1"
	foreign := *good
	foreign.Genesis[0]++
	for _, row := range []struct {
		name string
		d    *recovery.Document
		want error
	}{
		{"one of two signatures", w.Recovery(w.Chain, []int{1}, "v0", "v1"), recovery.ErrTooFew},
		{"changed after it was signed", &tampered, recovery.ErrSignature},
		{"another network", &foreign, recovery.ErrNetwork},
		{"below the head", below, chain.ErrBeyond},
		{"another block", resigned(func(d *recovery.Document) { d.BlockHash[0]++ }), registry.ErrRecovery},
		{"another state", resigned(func(d *recovery.Document) { d.StateRoot[0]++ }), registry.ErrRecovery},
		{"other parameters", resigned(func(d *recovery.Document) { d.Params[0]++ }), registry.ErrRecovery},
		{"another epoch", resigned(func(d *recovery.Document) { d.Ends++ }), registry.ErrRecovery},
	} {
		if err := w.Chain.Recover(row.d); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if now := w.Chain.CurrentEpoch(); now.Epoch != 0 || len(w.Chain.Recoveries()) != 0 {
			t.Fatalf("%s: epoch %d", row.name, now.Epoch)
		}
	}
	fatal(t, w.Chain.Recover(good))
	err := w.Chain.Recover(w.Recovery(w.Chain, []int{0}, "v2"))
	if !errors.Is(err, recovery.ErrTooFew) {
		t.Errorf("a second one by one key: %v", err)
	}
	other := resigned(func(d *recovery.Document) { d.Members = d.Members[:1] })
	var both *recovery.Contradiction
	if err := w.Chain.Recover(other); !errors.As(err, &both) || len(both.Both) != 1 || both.Both[0] != crypto.PubkeyToAddress(contractstest.RecoveryKey(0).PublicKey) {
		t.Errorf("a second one for the same epoch: %v", err)
	}
	plain := contractstest.New(t, 4)
	t.Cleanup(plain.Close)
	none := *good
	none.Genesis = plain.Domain.Genesis
	if err := plain.Chain.Recover(&none); !errors.Is(err, recovery.ErrNotAllowed) {
		t.Errorf("without recovery keys: %v", err)
	}
}

// TestRetiredKeys: who has the keys of the old set can sign blocks of the old epoch for
// ever. A node that knows of the recovery believes none of them.
func TestRetiredKeys(t *testing.T) {
	w := newRecoverable(t)
	w.Block()
	recovered, evil := w.Network.Node(t), w.Network.Node(t)
	for _, node := range []*chaintest.Node{recovered, evil} {
		fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, 1)))
	}
	d := w.Recovery(recovered.Chain, []int{0, 1}, "v0", "newcomer")
	w.Follow(evil.Chain)
	old := w.Actor("v6")
	_, err := w.Network.Append(evil.Chain, w.Sign(old, &types.LegacyTx{To: &old.Address, Gas: 21_000, GasPrice: new(big.Int)}))
	fatal(t, err)
	false_ := sealedBlock(t, evil.Chain, 2)
	early := must[*chain.Verified](t)(recovered.Chain.Verify(false_))
	fatal(t, recovered.Chain.Recover(d))
	if _, err := recovered.Chain.Verify(false_); !errors.Is(err, chain.ErrInvalid) || !strings.Contains(err.Error(), "ended with block 1") {
		t.Errorf("a block of the epoch that is over: %v", err)
	}
	if err := recovered.Chain.ImportVerified(context.Background(), early); !errors.Is(err, chain.ErrInvalid) {
		t.Errorf("one that was verified before: %v", err)
	}
	if err := evil.Chain.Recover(d); !errors.Is(err, chain.ErrBeyond) {
		t.Errorf("who has that block, at the recovery: %v", err)
	}
}

// TestRecoveryBesideABlock: what stands beside the first block is believed as the
// genesis says, and nowhere else.
func TestRecoveryBesideABlock(t *testing.T) {
	w := newRecoverable(t)
	w.Block()
	d := w.Recovery(w.Chain, []int{0, 1}, "v0", "newcomer")
	fatal(t, w.Chain.Recover(d))
	w.Block()
	w.Block()
	node := w.Network.Node(t)
	fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, 1)))
	first := sealedBlock(t, w.Chain, 2)
	spoil := func(change func(*chain.SealedBlock, *recovery.Document)) *chain.SealedBlock {
		b, copied := *first, *first.Recovery
		copied.Signatures = append([]recovery.Signature{}, copied.Signatures...)
		b.Recovery = &copied
		change(&b, &copied)
		return &b
	}
	for name, b := range map[string]*chain.SealedBlock{
		"one signature less":    spoil(func(_ *chain.SealedBlock, d *recovery.Document) { d.Signatures = d.Signatures[:1] }),
		"a signature of nobody": spoil(func(_ *chain.SealedBlock, d *recovery.Document) { d.Signatures[1].Signature[5]++ }),
		"another parent":        spoil(func(_ *chain.SealedBlock, d *recovery.Document) { d.BlockHash[0]++ }),
		"another epoch":         spoil(func(_ *chain.SealedBlock, d *recovery.Document) { d.Ends++ }),
		"another number":        spoil(func(_ *chain.SealedBlock, d *recovery.Document) { d.Number++ }),
		"a checkpoint too":      spoil(func(b *chain.SealedBlock, _ *recovery.Document) { b.Link = new(consensus.CheckpointCertificate) }),
	} {
		if _, err := node.Chain.Verify(b); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	elsewhere := *d
	elsewhere.BlockHash[0]++
	elsewhere.Signatures = nil
	w.SignRecovery(&elsewhere, 0, 1)
	misplaced := *first
	misplaced.Recovery = &elsewhere
	if _, err := node.Chain.Verify(&misplaced); !errors.Is(err, chain.ErrInvalid) {
		t.Errorf("signed for another block: %v", err)
	}
	bare := *first
	bare.Recovery = nil
	if _, err := node.Chain.Verify(&bare); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("without the recovery: %v", err)
	}
	other := w.Recovery(node.Chain, []int{0, 2}, "v1")
	fatal(t, node.Chain.Recover(other))
	if _, err := node.Chain.Verify(first); !errors.Is(err, chain.ErrInvalid) || !strings.Contains(err.Error(), "contradict") {
		t.Errorf("beside another recovery: %v", err)
	}
}
