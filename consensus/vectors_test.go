package consensus

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const vectorsFile = "testdata/vectors.json"

// The shapes of vectors.json, which Go, Solidity and the browser all read.
// Numbers are decimal JSON numbers below 2^53, everything else is 0x hex.
type (
	vectorsDoc struct {
		Comment   string         `json:"comment"`
		ChainID   uint64         `json:"chainId"`
		Genesis   common.Hash    `json:"genesisHash"`
		VoteTag   common.Hash    `json:"voteTag"` // keccak256("quorate/vote/1")
		Keys      []keyVector    `json:"validators"`
		Batch     batchVector    `json:"batch"`
		Votes     []voteVector   `json:"votes"`
		NextSets  []nextVector   `json:"nextSets"`
		Commit    certVector     `json:"commitCertificate"`
		Chkpt     certVector     `json:"checkpointCertificate"`
		Prepared  certVector     `json:"preparedCertificate"`
		Quorums   []quorumVector `json:"quorums"`
		Schedules []turnVector   `json:"schedules"`
	}
	keyVector struct {
		Index      int            `json:"index"`
		PrivateKey hexutil.Bytes  `json:"privateKey"`
		Address    common.Address `json:"address"`
	}
	batchVector struct {
		Header headerVector  `json:"header"`
		Hashes []common.Hash `json:"transactionHashes"`
		RLP    hexutil.Bytes `json:"headerRlp"`
		Digest common.Hash   `json:"digest"`
	}
	headerVector struct { // in the order of the RLP list
		Version      uint64         `json:"version"`
		Epoch        Epoch          `json:"epoch"`
		Seq          Seq            `json:"seq"`
		OriginView   View           `json:"originView"`
		Proposer     common.Address `json:"proposer"`
		ParentDigest common.Hash    `json:"parentDigest"`
		TimeMs       uint64         `json:"timeMs"`
		Beneficiary  common.Address `json:"beneficiary"`
		GasLimit     uint64         `json:"gasLimit"`
		TxCount      uint64         `json:"txCount"`
		TxsHash      common.Hash    `json:"txsHash"`
	}
	voteVector struct {
		Name      string         `json:"name"`
		Kind      uint8          `json:"type"`
		Words     []common.Hash  `json:"words"` // the preimage, word by word
		Hash      common.Hash    `json:"hash"`  // keccak256 of the words: what is signed
		Sender    uint64         `json:"sender"`
		Signer    common.Address `json:"signer"`
		Signature hexutil.Bytes  `json:"signature"`
		Encoded   hexutil.Bytes  `json:"encoded"`           // the vote on the wire
		Body      hexutil.Bytes  `json:"bodyRlp,omitempty"` // VIEW-CHANGE and NEW-VIEW: the last word is its keccak256
	}
	nextVector struct {
		Epoch     uint64           `json:"epoch"`
		List      []common.Address `json:"list"`
		Suspended []common.Address `json:"suspended"`
		Params    paramsVector     `json:"params"`
		Preimage  hexutil.Bytes    `json:"preimage"`
		Hash      common.Hash      `json:"hash"`
	}
	paramsVector struct {
		Values   Params        `json:"values"`
		Preimage hexutil.Bytes `json:"preimage"` // the values in this order, a word each
		Hash     common.Hash   `json:"hash"`
	}
	certVector struct {
		RLP     hexutil.Bytes `json:"rlp"`
		Signers []uint64      `json:"signers"`
		Bitset  hexutil.Bytes `json:"bitset,omitempty"`
	}
	quorumVector struct {
		N      int `json:"n"`
		F      int `json:"f"`
		Quorum int `json:"q"`
	}
	turnVector struct {
		Epoch   uint64 `json:"epoch"`
		Span    uint64 `json:"span"`
		First   uint64 `json:"first"`
		View    uint64 `json:"view"`
		Seq     uint64 `json:"seq"`
		Primary int    `json:"primary"`
	}
)

func vectors(t *testing.T) *vectorsDoc {
	w := newNetwork(t, 4)
	d := &vectorsDoc{
		Comment: "Examples of what is hashed, signed and sent. Made by: go test ./consensus -run Vectors -update",
		ChainID: w.domain.ChainID, Genesis: w.domain.Genesis, VoteTag: voteTag,
	}
	for i, k := range w.keys {
		d.Keys = append(d.Keys, keyVector{i, crypto.FromECDSA(k), w.set.Address(i)})
	}
	p := w.sampleProposal(t)
	d.Batch = batchVector{headerVector(p.Batch.Header), p.Batch.Hashes, mustEncode(&p.Batch.Header), p.Batch.Digest()}
	for _, v := range w.samples(t) {
		d.Votes = append(d.Votes, voteVectorOf(w, v))
	}
	d.NextSets = []nextVector{
		nextOf(1, w.set, nil), nextOf(2, w.set, []common.Address{w.set.Address(1)}),
		nextOf(1<<40, w.set, []common.Address{w.set.Address(0), w.set.Address(3)}),
	}
	commit, chk := w.committed(t, 0, p.Batch.Header), w.checkpoint(t)
	d.Commit = certVector{mustEncode(commit), senders(commit.Signers), hexutil.Bytes(commit.Signers)}
	d.Chkpt = certVector{mustEncode(chk), senders(chk.Signers), hexutil.Bytes(chk.Signers)}
	prep := w.prepared(t, 1, p.Batch.Header)
	d.Prepared = certVector{RLP: mustEncode(prep)}
	for _, s := range prep.Signatures {
		d.Prepared.Signers = append(d.Prepared.Signers, s.Sender)
	}
	for n := 1; n <= 100; n++ {
		s := setOf(t, n)
		d.Quorums = append(d.Quorums, quorumVector{n, s.F(), s.Quorum()})
	}
	for _, x := range []turnVector{{0, 16, 1, 0, 1, 0}, {0, 16, 1, 0, 17, 0}, {3, 16, 193, 2, 250, 0}, {3, 0, 193, 2, 250, 0}} {
		s := NewSchedule(w.set, nil, Epoch(x.Epoch), x.Span, Seq(x.First))
		x.Primary = s.Primary(View(x.View), Seq(x.Seq))
		d.Schedules = append(d.Schedules, x)
	}
	return d
}

func voteVectorOf(w *network, v *Vote) voteVector {
	pre := v.Preimage(w.domain)
	out := voteVector{
		Name: v.Kind.String(), Kind: uint8(v.Kind), Hash: crypto.Keccak256Hash(pre), Sender: v.Sender,
		Signer: w.set.Address(int(v.Sender)), Signature: v.Signature[:], Encoded: v.Encode(),
	}
	for len(pre) > 0 {
		out.Words, pre = append(out.Words, common.BytesToHash(pre[:32])), pre[32:]
	}
	switch v.Kind {
	case ViewChange:
		out.Body = mustEncode(v.Change)
	case NewView:
		out.Body = mustEncode(v.NewView)
	}
	return out
}

func senders(b Bitset) []uint64 {
	var out []uint64
	for _, i := range b.Members() {
		out = append(out, uint64(i))
	}
	return out
}

// nextOf encodes with go-ethereum's ABI package: the second opinion.
func nextOf(e Epoch, set *ValidatorSet, suspended []common.Address) nextVector {
	uint256, _ := abi.NewType("uint256", "", nil)
	list, _ := abi.NewType("address[]", "", nil)
	word, _ := abi.NewType("bytes32", "", nil)
	args := abi.Arguments{{Type: uint256}, {Type: list}, {Type: list}, {Type: word}}
	params := paramsOf(DefaultParams())
	if suspended == nil {
		suspended = []common.Address{}
	}
	pre, err := args.Pack(new(big.Int).SetUint64(uint64(e)), set.Addresses(), suspended, params.Hash)
	if err != nil {
		panic(err)
	}
	return nextVector{uint64(e), set.Addresses(), suspended, params, pre, NextSetHash(e, set, suspended, params.Hash)}
}

// paramsOf takes the values as JSON has them, so that a field that the hash
// forgets is noticed.
func paramsOf(p Params) paramsVector {
	v := reflect.ValueOf(p)
	var pre []byte
	for i := range v.NumField() {
		pre = append(pre, common.BigToHash(new(big.Int).SetUint64(v.Field(i).Uint())).Bytes()...)
	}
	return paramsVector{p, pre, p.Hash()}
}

// TestVectors pins every encoding: a change here is another protocol.
func TestVectors(t *testing.T) {
	got, err := json.MarshalIndent(vectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(vectorsFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what this code makes; if the protocol was meant to change, run the test with -update", vectorsFile)
	}
}

// TestVectorsHold verifies the file with nothing but hashing and recovery, as
// a contract or a browser does.
func TestVectorsHold(t *testing.T) {
	blob, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var d vectorsDoc
	if err := json.Unmarshal(blob, &d); err != nil {
		t.Fatal(err)
	}
	if d.VoteTag != crypto.Keccak256Hash([]byte("quorate/vote/1")) || len(d.Votes) != 6 {
		t.Errorf("tag %s, %d votes", d.VoteTag, len(d.Votes))
	}
	if crypto.Keccak256Hash(d.Batch.RLP) != d.Batch.Digest {
		t.Error("batch digest")
	}
	for _, v := range d.Votes {
		holds(t, &d, v)
	}
	for _, n := range d.NextSets {
		if crypto.Keccak256Hash(n.Preimage) != n.Hash || crypto.Keccak256Hash(n.Params.Preimage) != n.Params.Hash {
			t.Errorf("next set of epoch %d", n.Epoch)
		}
	}
	w := newNetwork(t, 4)
	for c, vec := range map[verifier]certVector{new(CommitCertificate): d.Commit, new(CheckpointCertificate): d.Chkpt, new(PreparedCertificate): d.Prepared} {
		if err := rlp.DecodeBytes(vec.RLP, c); err != nil {
			t.Errorf("%T: %v", c, err)
		} else if err := c.Verify(Domain{d.ChainID, d.Genesis}, w.set); err != nil {
			t.Errorf("%T: %v", c, err)
		}
	}
}

func holds(t *testing.T, d *vectorsDoc, v voteVector) {
	t.Helper()
	var pre []byte
	for _, w := range v.Words {
		pre = append(pre, w[:]...)
	}
	if crypto.Keccak256Hash(pre) != v.Hash {
		t.Errorf("%s: the words hash to %x", v.Name, crypto.Keccak256(pre))
	}
	if v.Words[0] != d.VoteTag || v.Words[1].Big().Uint64() != d.ChainID || v.Words[2] != d.Genesis || v.Words[3].Big().Uint64() != uint64(v.Kind) {
		t.Errorf("%s: the words do not begin with tag, chain, genesis and type", v.Name)
	}
	key, err := crypto.SigToPub(v.Hash[:], v.Signature)
	if err != nil || crypto.PubkeyToAddress(*key) != v.Signer || d.Keys[v.Sender].Address != v.Signer {
		t.Errorf("%s: signature: %v", v.Name, err)
	}
	if len(v.Body) > 0 && crypto.Keccak256Hash(v.Body) != v.Words[5] {
		t.Errorf("%s: body", v.Name)
	}
	if back, err := DecodeVote(v.Encoded); err != nil || !bytes.Equal(back.Signature[:], v.Signature) {
		t.Errorf("%s: %v", v.Name, err)
	}
}
