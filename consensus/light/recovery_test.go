package light

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/recovery"
)

// keySigner signs with the recovery key of a member of the test.
type keySigner struct {
	members
	index int
}

func (s keySigner) Address() common.Address { return s.set.Address(s.index) }

func (s keySigner) Sign(_ context.Context, preimage []byte) (out consensus.Signature, err error) {
	raw, err := crypto.Sign(crypto.Keccak256(preimage), s.keys[s.index])
	copy(out[:], raw)
	return out, err
}

// nodeID is that of a secp256k1 key in libp2p: identity multihash of its protobuf.
func nodeID(t *testing.T, m members, i int) []byte {
	t.Helper()
	return append([]byte{0, 37, 8, 2, 18, 33}, crypto.CompressPubkey(&m.keys[i].PublicKey)...)
}

// recoveredWorld is a world whose second set was put in by three of five keys, after
// block 7 of epoch 1, and whose block 10 is of epoch 2.
type recoveredWorld struct {
	*world
	keys members
	doc  *recovery.Document
}

func newRecoveredWorld(t *testing.T) *recoveredWorld {
	t.Helper()
	w := &recoveredWorld{world: newWorld(t, 3), keys: newMembers(t, 5)}
	w.trust.First = 1
	w.trust.Recovery = genesis.Recovery{Keys: w.keys.set.Addresses(), Threshold: 3}
	slices.Reverse(w.trust.Recovery.Keys) // any order
	nodes := newMembers(t, 5)
	w.doc = &recovery.Document{Genesis: w.trust.Domain.Genesis, Ends: 1, Number: 7, BlockHash: common.Hash{1}, StateRoot: common.Hash{2}, Params: common.Hash{3}}
	for i, a := range w.second.set.Addresses() {
		w.doc.Members = append(w.doc.Members, recovery.Member{Address: a, NodeID: nodeID(t, nodes, i), Name: "n"})
	}
	for _, i := range []int{0, 2, 4} {
		if err := w.doc.Sign(context.Background(), keySigner{w.keys, i}, w.trust.Domain, w.trust.Recovery); err != nil {
			t.Fatal(err)
		}
	}
	w.links = []Link{NewRecoveryLink(w.doc, w.trust.Recovery)}
	return w
}

func (w *recoveredWorld) proof(t *testing.T) *Proof {
	t.Helper()
	p, err := Prove(w.trust.Domain.Genesis, w.links, w.cert, w.block, w.receipts, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRecoveryLink: a proof goes from the genesis over a recovery to the set that
// follows, survives its text, and fails with anything in the link changed.
func TestRecoveryLink(t *testing.T) {
	w := newRecoveredWorld(t)
	text, err := json.Marshal(w.proof(t))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := p.Verify(w.trust); err != nil || f.Set.Len() != 5 {
		t.Fatal(err)
	}
	good := w.links[0]
	for name, change := range map[string]func(*Link){
		"epoch":           func(l *Link) { l.Epoch = 0 },
		"number":          func(l *Link) { l.Number++ },
		"block":           func(l *Link) { l.BlockHash[3]++ },
		"state":           func(l *Link) { l.StateRoot[3]++ },
		"parameters":      func(l *Link) { l.Params[3]++ },
		"suspended":       func(l *Link) { l.Suspended = l.Validators[:1] },
		"one validator":   func(l *Link) { l.Validators = l.Validators[:4] },
		"nodes":           func(l *Link) { l.Recovery = &common.Hash{9} },
		"no recovery":     func(l *Link) { l.Recovery = nil },
		"two signatures":  func(l *Link) { l.Signers, l.Signatures = hexutil.Bytes{5}, l.Signatures[:2] },
		"one left out":    func(l *Link) { l.Signatures = l.Signatures[:2] },
		"another signer":  func(l *Link) { l.Signers = hexutil.Bytes{0b1011} },
		"one twice":       func(l *Link) { l.Signatures = []hexutil.Bytes{l.Signatures[0], l.Signatures[0], l.Signatures[2]} },
		"a longer bitset": func(l *Link) { l.Signers = hexutil.Bytes{0b10101, 0} },
		"an unknown key":  func(l *Link) { l.Signers = hexutil.Bytes{0b100101} },
		"a bad signature": func(l *Link) { l.Signatures = []hexutil.Bytes{l.Signatures[0], l.Signatures[2], l.Signatures[1]} },
		"not in order":    func(l *Link) { slices.Reverse(l.Validators) },
	} {
		l := good
		l.Validators, l.Signatures = slices.Clone(good.Validators), slices.Clone(good.Signatures)
		change(&l)
		if _, err := w.trust.Follow(&l); !errors.Is(err, ErrLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
	none := w.trust
	none.Recovery = genesis.Recovery{}
	if _, err := none.Follow(&good); !errors.Is(err, recovery.ErrNotAllowed) {
		t.Errorf("a genesis without recovery keys: %v", err)
	}
	more := w.trust
	more.Recovery.Threshold = 4
	if _, err := more.Follow(&good); !errors.Is(err, recovery.ErrTooFew) {
		t.Errorf("three signatures of four: %v", err)
	}
}

// TestRetiredKeys: the set that was recovered from signs blocks and checkpoints of its
// own. Who has the genesis alone believes them; who knows of the recovery does not.
func TestRetiredKeys(t *testing.T) {
	w := newRecoveredWorld(t)
	g := w.trust
	known, err := g.Follow(&w.links[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.proof(t).Verify(g, known); err != nil {
		t.Errorf("a good proof: %v", err)
	}
	all := []int{0, 1, 2, 3}
	prove := func(epoch consensus.Epoch, by members, links ...Link) *Proof {
		w.cert = w.certify(t, 10, epoch, by, all...)
		w.world.links = links
		return w.proof(t)
	}
	// A checkpoint by the old set, for a set of whoever has its keys.
	third := newMembers(t, 4)
	next := &consensus.EpochRules{Epoch: 6, Set: third.set, Params: consensus.DefaultParams()}
	v := consensus.Vote{Kind: consensus.Checkpoint, Epoch: 5, Seq: 9, BlockHash: common.Hash{1}, NextSet: next.Hash()}
	hijack := NewLink(consensus.NewCheckpointCertificate(w.first.sign(t, g.Domain, v, all...), 4), next)
	for name, p := range map[string]*Proof{
		"a block above the cut, in the old epoch":   prove(1, w.first),
		"a block of the new epoch":                  prove(2, w.first),
		"a block of a later epoch":                  prove(9, w.first),
		"a set of their own, by a later checkpoint": prove(6, third, hijack),
	} {
		if _, err := p.Verify(g); err != nil {
			t.Errorf("%s, with the genesis alone: %v", name, err)
		}
		if _, err := p.Verify(g, known); !errors.Is(err, ErrRetired) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Verify(known); err == nil {
			t.Errorf("%s, for who begins at the recovery: it holds", name)
		}
	}
	below := g
	below.First = 11 // the cut is above the block of the proof
	if _, err := prove(1, w.first).Verify(g, Trust{Domain: g.Domain, Since: 2, First: 11, Set: w.second.set}); err != nil {
		t.Errorf("a block of before: %v", err)
	}
	if _, err := prove(0, w.first).Verify(below); !errors.Is(err, ErrCertificate) {
		t.Errorf("below the first block that a set decides: %v", err)
	}
}
