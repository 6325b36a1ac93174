package engine

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// The records as they stand on disk.
type (
	proposalRecord struct {
		Proposal *consensus.Proposal
		Bodies   [][]byte
	}
	preparedRecord struct {
		Certificate *consensus.PreparedCertificate
		BlockHash   common.Hash
	}
)

// encodeRecord turns a record of the replica into one of the journal. Of a
// proposal the bodies go with it: whoever votes for a batch can serve it.
func (e *Engine) encodeRecord(r *pbft.Record) (JournalRecord, error) {
	out := JournalRecord{Seq: uint64(r.Seq), Kind: byte(r.Kind), View: uint64(r.View)}
	var v any
	switch r.Kind {
	case pbft.RecordProposal:
		rec := proposalRecord{Proposal: r.Proposal}
		txs := e.bodies.txs(r.Proposal.Vote.Digest)
		if len(txs) != len(r.Proposal.Batch.Hashes) {
			return out, fmt.Errorf("journal: seq %d: the batch has %d transactions and %d bodies are here", r.Seq, len(r.Proposal.Batch.Hashes), len(txs))
		}
		for _, tx := range txs {
			raw, err := tx.MarshalBinary()
			if err != nil {
				return out, fmt.Errorf("journal: seq %d: transaction %s: %w", r.Seq, tx.Hash(), err)
			}
			rec.Bodies = append(rec.Bodies, raw)
		}
		v = &rec
	case pbft.RecordPrepared:
		v = &preparedRecord{r.Prepared, r.BlockHash}
	case pbft.RecordStable:
		v = r.Stable
	default:
		return out, fmt.Errorf("journal: record kind %d is unknown", r.Kind)
	}
	data, err := rlp.EncodeToBytes(v)
	out.Data = data
	return out, err
}

// loadJournal reads the journal back and hands the bodies of its batches to
// the body store. Records at or below head are over: the chain has them.
func (e *Engine) loadJournal(head consensus.Seq) ([]pbft.Record, error) {
	raw, err := e.deps.Journal.Load()
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var out []pbft.Record
	for _, jr := range raw {
		if jr.Seq > 0 && jr.Seq <= uint64(head) {
			continue
		}
		r, err := e.decodeRecord(jr)
		if err != nil {
			return nil, fmt.Errorf("journal: record kind %d of seq %d view %d: %w", jr.Kind, jr.Seq, jr.View, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func (e *Engine) decodeRecord(jr JournalRecord) (pbft.Record, error) {
	r := pbft.Record{Kind: pbft.RecordKind(jr.Kind), Seq: consensus.Seq(jr.Seq), View: consensus.View(jr.View)}
	switch r.Kind {
	case pbft.RecordProposal:
		var rec proposalRecord
		if err := rlp.DecodeBytes(jr.Data, &rec); err != nil {
			return r, err
		}
		txs, err := e.deps.Bodies.Decode(rec.Bodies)
		if err != nil {
			return r, err
		}
		r.Proposal = rec.Proposal
		return r, e.bodies.restore(rec.Proposal, txs)
	case pbft.RecordPrepared:
		var rec preparedRecord
		if err := rlp.DecodeBytes(jr.Data, &rec); err != nil {
			return r, err
		}
		r.Prepared, r.BlockHash = rec.Certificate, rec.BlockHash
		return r, nil
	case pbft.RecordStable:
		r.Stable = new(consensus.CheckpointCertificate)
		return r, rlp.DecodeBytes(jr.Data, r.Stable)
	}
	return r, fmt.Errorf("unknown kind")
}

// restore puts a journalled batch back.
func (s *bodyStore) restore(p *consensus.Proposal, txs []*types.Transaction) error {
	if err := p.Check(); err != nil {
		return err
	}
	if len(txs) != len(p.Batch.Hashes) {
		return fmt.Errorf("%d bodies for %d transactions", len(txs), len(p.Batch.Hashes))
	}
	for i, tx := range txs {
		if tx.Hash() != p.Batch.Hashes[i] {
			return fmt.Errorf("body %d hashes to %s, the batch has %s", i, tx.Hash(), p.Batch.Hashes[i])
		}
	}
	s.put(p.Vote.Digest, p.Batch.Header.Seq, txs)
	return nil
}
