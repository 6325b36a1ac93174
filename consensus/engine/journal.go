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
		Votes  []*consensus.Vote // the PRE-PREPARE, or nothing
		Batch  *consensus.Batch
		Bodies [][]byte
	}
	preparedRecord struct {
		Certificate *consensus.PreparedCertificate
		BlockHash   common.Hash
	}
	openedRecord struct {
		Epoch, Hold consensus.Epoch
		Why         consensus.Held
		Forgiven    bool
	}
	viewRecord struct {
		Vote    *consensus.Vote
		Changes []*consensus.Vote // of a NEW-VIEW
	}
)

// encodeRecord turns a record of the replica into one of the journal. Of a
// proposal the bodies go with it: whoever votes for a batch can serve it.
func (e *Engine) encodeRecord(r *pbft.Record) (JournalRecord, error) {
	out := JournalRecord{Seq: uint64(r.Seq), Kind: byte(r.Kind), View: uint64(r.View)}
	var v any
	switch r.Kind {
	case pbft.RecordProposal:
		rec := proposalRecord{Batch: r.Batch}
		if r.Vote != nil {
			rec.Votes = []*consensus.Vote{r.Vote}
		}
		txs := e.bodies.txs(r.Batch.Digest())
		if len(txs) != len(r.Batch.Hashes) {
			return out, fmt.Errorf("journal: seq %d: the batch has %d transactions and %d bodies are here", r.Seq, len(r.Batch.Hashes), len(txs))
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
	case pbft.RecordViewChange, pbft.RecordNewView:
		v = &viewRecord{r.Vote, r.Changes}
	case pbft.RecordOpened:
		o := openedRecord(*r.Opened)
		v = &o
	default:
		return out, fmt.Errorf("journal: record kind %d is unknown", r.Kind)
	}
	data, err := rlp.EncodeToBytes(v)
	out.Data = data
	return out, err
}

// loadJournal reads the journal back and hands the bodies of its batches to
// the body store. Of records at or below head, which the chain has, only the
// fact counts that something was voted there.
func (e *Engine) loadJournal(head consensus.Seq) ([]pbft.Record, error) {
	raw, err := e.deps.Journal.Load()
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := e.evidence.restore(raw); err != nil {
		return nil, err
	}
	var out []pbft.Record
	for _, jr := range raw {
		if jr.Kind == recordEvidence {
			continue
		}
		r, err := e.decodeRecord(jr, head)
		if err != nil {
			return nil, fmt.Errorf("journal: record kind %d of seq %d view %d: %w", jr.Kind, jr.Seq, jr.View, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func (e *Engine) decodeRecord(jr JournalRecord, head consensus.Seq) (pbft.Record, error) {
	r := pbft.Record{Kind: pbft.RecordKind(jr.Kind), Seq: consensus.Seq(jr.Seq), View: consensus.View(jr.View)}
	switch r.Kind {
	case pbft.RecordProposal:
		var rec proposalRecord
		if err := rlp.DecodeBytes(jr.Data, &rec); err != nil {
			return r, err
		}
		if len(rec.Votes) > 1 {
			return r, fmt.Errorf("%d votes for one proposal", len(rec.Votes))
		}
		if len(rec.Votes) == 1 {
			r.Vote = rec.Votes[0]
		}
		if r.Batch = rec.Batch; r.Seq <= head {
			return r, nil
		}
		txs, err := e.deps.Bodies.Decode(rec.Bodies)
		if err != nil {
			return r, err
		}
		return r, e.bodies.restore(&r, txs)
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
	case pbft.RecordViewChange, pbft.RecordNewView:
		var rec viewRecord
		if err := rlp.DecodeBytes(jr.Data, &rec); err != nil {
			return r, err
		}
		if want := viewRecordKinds[r.Kind]; rec.Vote.Kind != want {
			return r, fmt.Errorf("holds a %s, not a %s", rec.Vote.Kind, want)
		}
		for _, c := range rec.Changes {
			if c.Kind != consensus.ViewChange {
				return r, fmt.Errorf("holds a %s among its VIEW-CHANGEs", c.Kind)
			}
		}
		r.Vote, r.Changes = rec.Vote, rec.Changes
		return r, nil
	case pbft.RecordOpened:
		var rec openedRecord
		if err := rlp.DecodeBytes(jr.Data, &rec); err != nil {
			return r, err
		}
		o := pbft.Opened(rec)
		r.Opened = &o
		return r, nil
	}
	return r, fmt.Errorf("unknown kind")
}

var viewRecordKinds = map[pbft.RecordKind]consensus.Kind{
	pbft.RecordViewChange: consensus.ViewChange,
	pbft.RecordNewView:    consensus.NewView,
}

// restore puts a journalled batch back.
func (s *bodyStore) restore(r *pbft.Record, txs []*types.Transaction) error {
	b := r.Batch
	if r.Vote != nil {
		if err := (&consensus.Proposal{Vote: r.Vote, Batch: b}).Check(); err != nil {
			return err
		}
	} else if err := b.CheckHashes(); err != nil {
		return err
	}
	if b.Header.Seq != r.Seq {
		return fmt.Errorf("the batch is of seq %d", b.Header.Seq)
	}
	if len(txs) != len(b.Hashes) {
		return fmt.Errorf("%d bodies for %d transactions", len(txs), len(b.Hashes))
	}
	for i, tx := range txs {
		if tx.Hash() != b.Hashes[i] {
			return fmt.Errorf("body %d hashes to %s, the batch has %s", i, tx.Hash(), b.Hashes[i])
		}
	}
	s.put(b.Digest(), b.Header.Seq, txs)
	return nil
}

// ForgiveVotes makes a journal count as whole for epoch and those before,
// whatever it has lost: an operator's word (protocol, Starting). Nothing else
// may write to the journal meanwhile.
func ForgiveVotes(j Journal, epoch consensus.Epoch) error {
	rec, err := new(Engine).encodeRecord(&pbft.Record{Kind: pbft.RecordOpened, Opened: &pbft.Opened{Epoch: epoch, Forgiven: true}})
	if err != nil {
		return err
	}
	return j.Append([]JournalRecord{rec})
}
