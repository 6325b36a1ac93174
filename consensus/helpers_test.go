package consensus

import (
	"crypto/ecdsa"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// network is n validators whose keys the test holds, in the order of the set.
type network struct {
	set    *ValidatorSet
	keys   []*ecdsa.PrivateKey
	domain Domain
}

func newNetwork(t testing.TB, n int) *network {
	t.Helper()
	byAddress := make(map[common.Address]*ecdsa.PrivateKey, n)
	addresses := make([]common.Address, n)
	for i := range n {
		key, err := crypto.ToECDSA(crypto.Keccak256([]byte("validator"), []byte{byte(i)}))
		if err != nil {
			t.Fatal(err)
		}
		addresses[i] = crypto.PubkeyToAddress(key.PublicKey)
		byAddress[addresses[i]] = key
	}
	set, err := NewValidatorSet(addresses)
	if err != nil {
		t.Fatal(err)
	}
	w := &network{set: set, domain: Domain{ChainID: 1337, Genesis: hash("genesis")}}
	for i := range n {
		w.keys = append(w.keys, byAddress[set.Address(i)])
	}
	return w
}

func hash(s string) common.Hash { return crypto.Keccak256Hash([]byte(s)) }

// sign returns v as sent by validator i.
func (w *network) sign(t testing.TB, i int, v Vote) *Vote {
	t.Helper()
	v.Sender = uint64(i)
	sig, err := crypto.Sign(crypto.Keccak256(v.Preimage(w.domain)), w.keys[i])
	if err != nil {
		t.Fatal(err)
	}
	v.Signature = Signature(sig)
	return &v
}

// votes returns v as sent by each of the validators.
func (w *network) votes(t testing.TB, v Vote, senders ...int) []*Vote {
	t.Helper()
	out := make([]*Vote, len(senders))
	for i, s := range senders {
		out[i] = w.sign(t, s, v)
	}
	return out
}

// header returns a batch header of epoch 0 at seq over parent.
func header(seq Seq, parent common.Hash, mark string) BatchHeader {
	return BatchHeader{
		Version: BatchVersion, Seq: seq, Proposer: common.Address{1}, ParentDigest: parent,
		TimeMs: 1_700_000_000_000 + uint64(seq), GasLimit: 100_000_000, TxsHash: hash(mark),
	}
}

// prepared returns a certificate by the first q validators.
func (w *network) prepared(t testing.TB, view View, h BatchHeader) *PreparedCertificate {
	t.Helper()
	v := Vote{Kind: PrePrepare, Epoch: h.Epoch, View: view, Seq: h.Seq, Digest: h.Digest()}
	votes := []*Vote{w.sign(t, 0, v)}
	v.Kind = Prepare
	for i := 1; i < w.set.Quorum(); i++ {
		votes = append(votes, w.sign(t, i, v))
	}
	return NewPreparedCertificate(view, h, votes, w.set.Len())
}

// committed returns a certificate by the first q validators.
func (w *network) committed(t testing.TB, view View, h BatchHeader) *CommitCertificate {
	t.Helper()
	v := Vote{Kind: Commit, Epoch: h.Epoch, View: view, Seq: h.Seq, Digest: h.Digest(), BlockHash: hash("block")}
	var senders []int
	for i := range w.set.Quorum() {
		senders = append(senders, i)
	}
	return NewCommitCertificate(w.votes(t, v, senders...), w.set.Len())
}

// samples returns one signed vote of each kind.
func (w *network) samples(t testing.TB) []*Vote {
	t.Helper()
	h1 := header(1, w.domain.Genesis, "one")
	h2 := header(2, h1.Digest(), "two")
	change := &ViewChangeBody{
		View: 3, Base: []CommitCertificate{*w.committed(t, 0, h1)}, Prepared: []PreparedCertificate{*w.prepared(t, 2, h2)},
	}
	open := &NewViewBody{View: 3, Changes: []common.Hash{hash("a"), hash("b"), hash("c")}, O: []NewViewEntry{{2, h2.Digest()}}}
	return []*Vote{
		w.sign(t, 0, Vote{Kind: PrePrepare, View: 0, Seq: 1, Digest: h1.Digest()}),
		w.sign(t, 1, Vote{Kind: Prepare, View: 0, Seq: 1, Digest: h1.Digest()}),
		w.sign(t, 2, Vote{Kind: Commit, View: 0, Seq: 1, Digest: h1.Digest(), BlockHash: hash("block")}),
		w.sign(t, 3, Vote{Kind: Checkpoint, Epoch: 1, Seq: 128, BlockHash: hash("block"), StateRoot: hash("state"), NextSet: NextSetHash(2, w.set, nil, DefaultParams().Hash())}),
		w.sign(t, 0, Vote{Kind: ViewChange, View: 3, Change: change}),
		w.sign(t, 1, Vote{Kind: NewView, View: 3, NewView: open}),
	}
}
