package light

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/consensus"
)

const epochLength = 4

// members are validators whose keys the test has.
type members struct {
	set  *consensus.ValidatorSet
	keys []*ecdsa.PrivateKey // by index
}

func newMembers(t *testing.T, n int) members {
	t.Helper()
	byAddress := map[common.Address]*ecdsa.PrivateKey{}
	var list []common.Address
	for range n {
		key, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		a := crypto.PubkeyToAddress(key.PublicKey)
		byAddress[a] = key
		list = append(list, a)
	}
	set, err := consensus.NewValidatorSet(list)
	if err != nil {
		t.Fatal(err)
	}
	m := members{set: set}
	for _, a := range set.Addresses() {
		m.keys = append(m.keys, byAddress[a])
	}
	return m
}

// sign returns the votes of the members with these indices.
func (m members) sign(t *testing.T, d consensus.Domain, v consensus.Vote, who ...int) []*consensus.Vote {
	t.Helper()
	var votes []*consensus.Vote
	for _, i := range who {
		own := v
		own.Sender = uint64(i)
		sig, err := crypto.Sign(crypto.Keccak256(own.Preimage(d)), m.keys[i])
		if err != nil {
			t.Fatal(err)
		}
		copy(own.Signature[:], sig)
		votes = append(votes, &own)
	}
	return votes
}

// world is a network of which two sets of validators have decided, and one block
// of the second.
type world struct {
	trust    Trust
	first    members
	second   members
	links    []Link
	block    *types.Block
	receipts types.Receipts
	cert     *consensus.CommitCertificate
}

func newWorld(t *testing.T, txs int) *world {
	t.Helper()
	w := &world{first: newMembers(t, 4), second: newMembers(t, 5)}
	w.trust = Trust{Domain: consensus.Domain{ChainID: 1337, Genesis: common.Hash{7}}, Set: w.first.set}
	w.links = []Link{w.link(t, 1)}
	w.makeBlock(t, txs)
	w.cert = w.certify(t, 10, 2, w.second, 0, 1, 3, 4)
	return w
}

// link is the change from the first to the second set, at the end of an epoch.
func (w *world) link(t *testing.T, ended consensus.Epoch) Link {
	t.Helper()
	suspended := w.second.set.Addresses()[1:2]
	next := &consensus.EpochRules{Epoch: ended + 1, Set: w.second.set, Suspended: suspended, Params: consensus.DefaultParams()}
	v := consensus.Vote{
		Kind: consensus.Checkpoint, Epoch: ended, Seq: consensus.Seq((ended + 1) * epochLength), BlockHash: common.Hash{1}, StateRoot: common.Hash{2},
		NextSet: next.Hash(),
	}
	c := consensus.NewCheckpointCertificate(w.first.sign(t, w.trust.Domain, v, 0, 1, 2), 4)
	return NewLink(c, next)
}

func (w *world) makeBlock(t *testing.T, txs int) {
	t.Helper()
	signer := types.LatestSignerForChainID(big.NewInt(1337))
	var list []*types.Transaction
	for i := range txs {
		list = append(list, types.MustSignNewTx(w.first.keys[0], signer, &types.DynamicFeeTx{
			ChainID: big.NewInt(1337), Nonce: uint64(i), Gas: 50_000, To: &common.Address{9}, Value: big.NewInt(int64(i)), Data: bytes.Repeat([]byte{byte(i)}, i%50),
		}))
		r := &types.Receipt{Type: types.DynamicFeeTxType, Status: uint64(i % 2), CumulativeGasUsed: uint64(i+1) * 21_000}
		if i%3 == 0 {
			r.Logs = []*types.Log{{Address: common.Address{9}, Topics: []common.Hash{{byte(i)}}, Data: []byte{1, 2, 3}}}
		}
		r.Bloom = types.CreateBloom(r)
		w.receipts = append(w.receipts, r)
	}
	header := &types.Header{Number: big.NewInt(10), Difficulty: new(big.Int), BaseFee: new(big.Int), Time: 99, GasLimit: 1e8}
	w.block = types.NewBlock(header, &types.Body{Transactions: list}, w.receipts, trie.NewStackTrie(nil))
}

func (w *world) certify(t *testing.T, seq consensus.Seq, e consensus.Epoch, by members, who ...int) *consensus.CommitCertificate {
	t.Helper()
	v := consensus.Vote{Kind: consensus.Commit, Epoch: e, View: 1, Seq: seq, Digest: common.Hash{3}, BlockHash: w.block.Hash()}
	return consensus.NewCommitCertificate(by.sign(t, w.trust.Domain, v, who...), by.set.Len())
}

func (w *world) prove(t *testing.T, index int) *Proof {
	t.Helper()
	p, err := Prove(w.trust.Domain.Genesis, w.links, w.cert, w.block, w.receipts, index)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encode(t *testing.T, p *Proof) []byte {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestProofShows: every transaction of blocks of many sizes is shown, through its
// text, with the result that it had and the members who signed.
func TestProofShows(t *testing.T) {
	for _, txs := range []int{1, 2, 3, 17, 129, 300} {
		w := newWorld(t, txs)
		for i := range txs {
			if txs > 20 && i%13 != 0 && i != 127 && i != 128 {
				continue
			}
			p, err := ParseProof(encode(t, w.prove(t, i)))
			if err != nil {
				t.Fatal(err)
			}
			f, err := p.Verify(w.trust)
			if err != nil {
				t.Fatalf("%d of %d: %v", i, txs, err)
			}
			if f.Transaction.Hash() != w.block.Transactions()[i].Hash() || f.Receipt.Status != uint64(i%2) || f.Receipt.TxHash != f.Transaction.Hash() {
				t.Errorf("%d of %d: shows %s with status %d", i, txs, f.Transaction.Hash(), f.Receipt.Status)
			}
			all := w.second.set.Addresses()
			if f.BlockHash != w.block.Hash() || f.Epoch != 2 || !slices.Equal(f.Signers, []common.Address{all[0], all[1], all[3], all[4]}) {
				t.Errorf("%d of %d: block %s, epoch %d, signed by %v", i, txs, f.BlockHash, f.Epoch, f.Signers)
			}
		}
	}
}

// TestEveryByteCounts: a proof in which any byte is another is refused.
func TestEveryByteCounts(t *testing.T) {
	w := newWorld(t, 20)
	good := encode(t, w.prove(t, 3))
	step := 1
	if testing.Short() {
		step = 7
	}
	for at := 0; at < len(good); at += step {
		for _, mask := range []byte{0x01, 0x02, 0x20, 0x80} {
			bad := bytes.Clone(good)
			bad[at] ^= mask
			p, err := ParseProof(bad)
			if err != nil {
				continue
			}
			if _, err := p.Verify(w.trust); err == nil {
				t.Fatalf("byte %d changed by %#x and still valid: …%s…", at, mask, bad[max(0, at-20):min(len(bad), at+20)])
			}
		}
	}
}

// TestForm: white space and the order of keys are free, all else is not.
func TestForm(t *testing.T) {
	w := newWorld(t, 2)
	good := encode(t, w.prove(t, 1))
	var tree map[string]any
	if err := json.Unmarshal(good, &tree); err != nil {
		t.Fatal(err)
	}
	sorted, err := json.MarshalIndent(tree, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseProof(sorted); err != nil {
		t.Errorf("indented, sorted: %v", err)
	}
	for name, bad := range map[string]string{
		"nothing":         ``,
		"null":            `null`,
		"another key":     strings.Replace(string(good), `{"genesis"`, `{"more":1,"genesis"`, 1),
		"a key's case":    strings.Replace(string(good), `"genesis"`, `"Genesis"`, 1),
		"a key is missed": strings.Replace(string(good), `"links":`+string(mustJSON(t, w.links))+`,`, ``, 1),
		"a second proof":  string(good) + string(good),
		"a whole answer":  `{"jsonrpc":"2.0","id":1,"result":` + string(good) + `}`,
		"too large":       strings.Repeat(" ", MaxProofBytes) + string(good),
	} {
		if _, err := ParseProof([]byte(bad)); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = ParseProof([]byte(`{"jsonrpc":"2.0","id":1,"result":{}}`))
	if err == nil || !strings.Contains(err.Error(), `save its "result" alone`) {
		t.Errorf("a whole answer gets no hint: %v", err)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRefused: each part of a proof that does not hold has its error.
func TestRefused(t *testing.T) {
	w := newWorld(t, 20)
	stranger := newMembers(t, 5)
	for name, row := range map[string]struct {
		change func(p *Proof)
		want   error
	}{
		"another network":    {func(p *Proof) { p.Genesis[0]++ }, ErrNetwork},
		"the link left out":  {func(p *Proof) { p.Links = nil }, ErrCertificate},
		"the link twice":     {func(p *Proof) { p.Links = append(p.Links, p.Links[0]) }, ErrLink},
		"link: another set":  {func(p *Proof) { p.Links[0].Validators = stranger.set.Addresses() }, ErrLink},
		"link: nobody":       {func(p *Proof) { p.Links[0].Validators = nil }, ErrLink},
		"link: two signed":   {func(p *Proof) { p.Links[0].Signers[0], p.Links[0].Signatures = 0b011, p.Links[0].Signatures[:2] }, ErrLink},
		"link: unordered":    {func(p *Proof) { slices.Reverse(p.Links[0].Validators) }, ErrLink},
		"link: short":        {func(p *Proof) { p.Links[0].Signatures[1] = p.Links[0].Signatures[1][:64] }, ErrLink},
		"link: too late":     {func(p *Proof) { p.Links = []Link{w.link(t, 2)} }, ErrCertificate},
		"header: garbage":    {func(p *Proof) { p.Header = p.Header[1:] }, ErrHeader},
		"header: block 0":    {func(p *Proof) { p.Header = headerOf(t, 0) }, ErrHeader},
		"header: another":    {func(p *Proof) { p.Header = headerOf(t, 10) }, ErrCertificate},
		"certificate: epoch": {func(p *Proof) { p.Certificate.Epoch++ }, ErrCertificate},
		"certificate: view":  {func(p *Proof) { p.Certificate.View++ }, ErrCertificate},
		"certificate: three": {func(p *Proof) {
			p.Certificate.Signers[0] &^= 1
			p.Certificate.Signatures = p.Certificate.Signatures[1:]
		}, consensus.ErrQuorum},
		"certificate: short":   {func(p *Proof) { p.Certificate.Signatures[0] = nil }, ErrCertificate},
		"transaction: another": {func(p *Proof) { p.Transaction = w.prove(t, 4).Transaction }, ErrPath},
		"index: another":       {func(p *Proof) { p.TransactionIndex++ }, ErrPath},
		"index: beyond": {func(p *Proof) {
			p.TransactionIndex, p.Transaction, p.Receipt = 1000, nil, nil
		}, ErrPath},
		"path: too short":     {func(p *Proof) { p.TransactionProof = p.TransactionProof[:len(p.TransactionProof)-1] }, ErrPath},
		"path: too long":      {func(p *Proof) { p.ReceiptProof = append(p.ReceiptProof, []byte{1, 2, 3}) }, ErrPath},
		"path: a node twice":  {func(p *Proof) { p.ReceiptProof = append(p.ReceiptProof, p.ReceiptProof[0]) }, ErrPath},
		"receipt: another":    {func(p *Proof) { p.Receipt = w.prove(t, 4).Receipt }, ErrPath},
		"receipt: of another": {func(p *Proof) { o := w.prove(t, 4); p.Receipt, p.ReceiptProof = o.Receipt, o.ReceiptProof }, ErrPath},
	} {
		p, err := ParseProof(encode(t, w.prove(t, 3)))
		if err != nil {
			t.Fatal(err)
		}
		row.change(p)
		if _, err := p.Verify(w.trust); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func headerOf(t *testing.T, number int64) []byte {
	t.Helper()
	enc, err := rlp.EncodeToBytes(&types.Header{Number: big.NewInt(number), Difficulty: new(big.Int)})
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

// TestOldSet: the first set can no longer decide after the change, though a quorum
// of it signs.
func TestOldSet(t *testing.T) {
	w := newWorld(t, 1)
	w.cert = w.certify(t, 10, 2, w.first, 0, 1, 2, 3)
	if _, err := w.prove(t, 0).Verify(w.trust); !errors.Is(err, ErrCertificate) {
		t.Errorf("signed by the old set: %v", err)
	}
	w.links = nil // nobody told of the change: what begins from an old set cannot know better
	if _, err := w.prove(t, 0).Verify(w.trust); err != nil {
		t.Errorf("without the link: %v", err)
	}
}

// TestProveRefuses: receipts that are not the block's.
func TestProveRefuses(t *testing.T) {
	w := newWorld(t, 5)
	if _, err := Prove(w.trust.Domain.Genesis, w.links, w.cert, w.block, w.receipts[:4], 0); err == nil {
		t.Error("proves with receipts that are missing")
	}
}
