package engine

import (
	"bytes"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// TestJournalCodec: what is written is read back with its bodies; damage is an
// error that names the record.
func TestJournalCodec(t *testing.T) {
	w := newWorld(t, 4)
	m := w.members[1]
	e := m.build()
	txs := []*types.Transaction{transaction(1, 5), transaction(2, 5)}
	p := w.proposal(0, txs...)
	rec := pbft.Record{Kind: pbft.RecordProposal, Seq: 1, Vote: p.Vote, Batch: p.Batch}
	if _, err := e.encodeRecord(&rec); err == nil {
		t.Error("a proposal without bodies was encoded")
	}
	e.bodies.put(p.Vote.Digest, 1, txs)
	prepared := consensus.NewPreparedCertificate(0, p.Batch.Header, []*consensus.Vote{p.Vote}, 4)
	stable := &consensus.CheckpointCertificate{Epoch: 0, Seq: 4, Signers: consensus.Bitset{7}, Signatures: make([]consensus.Signature, 3)}
	if err := e.persist([]pbft.Record{rec, {Kind: pbft.RecordPrepared, Seq: 1, Prepared: prepared, BlockHash: common.Hash{5}}, {Kind: pbft.RecordStable, Stable: stable}}); err != nil {
		t.Fatal(err)
	}
	again := m.build()
	records, err := again.loadJournal(0)
	if err != nil || len(records) != 3 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if records[0].Vote.Digest != p.Vote.Digest || records[1].BlockHash != (common.Hash{5}) || records[2].Stable.Seq != 4 {
		t.Errorf("read back %+v", records)
	}
	if got := again.bodies.txs(p.Vote.Digest); len(got) != 2 || got[1].Hash() != txs[1].Hash() {
		t.Errorf("%d bodies came back", len(got))
	}
	old := m.build() // that something was voted on counts also when it is final
	if records, err = old.loadJournal(1); err != nil || len(records) != 3 {
		t.Errorf("with head 1 there are %d records, %v", len(records), err)
	}
	good := m.journal[0].Data
	flipped := bytes.Clone(good)
	flipped[len(good)-20] ^= 1 // in a body; Pebble's checksums guard the rest
	wrong := w.proposal(0, txs[1], txs[0])
	e.bodies.put(wrong.Vote.Digest, 1, txs)
	swapped, err := e.encodeRecord(&pbft.Record{Kind: pbft.RecordProposal, Seq: 1, Vote: wrong.Vote, Batch: wrong.Batch})
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]JournalRecord{
		"truncated":    {Seq: 1, Kind: 2, Data: good[:len(good)-1]},
		"flipped":      {Seq: 1, Kind: 2, Data: flipped},
		"unknown kind": {Seq: 1, Kind: 99, Data: good},
		"wrong bodies": swapped,
	} {
		m.journal = []JournalRecord{bad}
		if _, err := New(m.config(), e.deps); err == nil {
			t.Errorf("%s: the journal was loaded", name)
		}
	}
}
