package pbft

import (
	"errors"
	"fmt"

	"github.com/quorate/quorate/consensus"
)

// errRecord is a record that no replica writes: the journal is damaged, or of
// another network.
var errRecord = errors.New("journal: a record that no replica writes")

// checkJournal refuses what restoring could not bear. A checksum guards a
// journal against the disk, not against a mix-up of files.
func (r *Replica) checkJournal(journal []Record) error {
	for i := range journal {
		if !r.plausible(&journal[i]) {
			return fmt.Errorf("%w: kind %d seq %d view %d", errRecord, journal[i].Kind, journal[i].Seq, journal[i].View)
		}
	}
	return nil
}

// plausible reports whether a record has the parts of its kind, and, in this
// epoch, names members of its set.
func (r *Replica) plausible(rec *Record) bool {
	v := rec.Vote
	switch rec.Kind {
	case RecordStable:
		return rec.Stable != nil
	case RecordOpened:
		return rec.Opened != nil
	case RecordProposal:
		return rec.Batch != nil && r.places(rec, &rec.Batch.Header) &&
			(v == nil || v.Kind == consensus.PrePrepare && v.Epoch == rec.Batch.Header.Epoch && r.member(v.Epoch, v.Sender))
	case RecordPrepared:
		if rec.Prepared == nil || !r.places(rec, &rec.Prepared.Header) {
			return false
		}
		for _, s := range rec.Prepared.Signatures {
			if !r.member(rec.Prepared.Header.Epoch, s.Sender) {
				return false
			}
		}
		return true
	case RecordViewChange:
		return v != nil && v.Kind == consensus.ViewChange && v.Change != nil && r.member(v.Epoch, v.Sender)
	case RecordNewView:
		if v == nil || v.Kind != consensus.NewView || v.NewView == nil || !r.member(v.Epoch, v.Sender) {
			return false
		}
		for _, c := range rec.Changes {
			if c == nil || c.Kind != consensus.ViewChange || c.Change == nil || !r.member(c.Epoch, c.Sender) {
				return false
			}
		}
	}
	return true
}

// places reports whether a header is of the record's seq, and of this epoch if
// and only if that is.
func (r *Replica) places(rec *Record, h *consensus.BatchHeader) bool {
	return h.Seq == rec.Seq && r.rules.Owns(rec.Seq) == (h.Epoch == r.epoch)
}

// member reports whether an index is of the epoch's set; other epochs' sets are
// not known here, and their records are passed over.
func (r *Replica) member(e consensus.Epoch, index uint64) bool {
	return e != r.epoch || index < uint64(r.set.Len())
}
