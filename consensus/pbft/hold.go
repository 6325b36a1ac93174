package pbft

import (
	"fmt"

	"github.com/quorate/quorate/consensus"
)

// This file decides whether a replica remembers its votes. One that may have
// forgotten some is held back: it sends no vote but CHECKPOINT before an epoch
// in which it cannot have voted.

// Voted is what the file beside the key says of its past.
type Voted struct {
	Known bool // false: the file is missing
	Ever  bool
	Epoch consensus.Epoch // the highest one voted in, if Ever
}

// Opened is the record that makes a journal whole: it holds every vote of this
// key in Epoch and later ones that may be sent.
type Opened struct {
	Epoch    consensus.Epoch
	Hold     consensus.Epoch // no vote but CHECKPOINT in epochs below
	Why      consensus.Held
	Forgiven bool // an operator said that votes of Epoch may be forgotten
}

// mark is how far a kind of own votes has come. Within a view votes of a kind
// leave in order of seq.
type mark struct {
	view consensus.View
	seq  consensus.Seq
	any  bool
}

func (m mark) below(v *consensus.Vote) bool {
	return !m.any || v.View > m.view || v.View == m.view && v.Seq > m.seq
}

// noteOwn remembers an own vote.
func (r *Replica) noteOwn(v *consensus.Vote) {
	if m := &r.marks[v.Kind]; m.below(v) {
		*m = mark{v.View, v.Seq, true}
	}
}

// restoreMarks remembers the own votes of this epoch that the journal tells of,
// also those of seqs that are final by now.
func (r *Replica) restoreMarks(journal []Record) {
	for _, rec := range journal {
		switch {
		case rec.Kind == RecordProposal && rec.Batch.Header.Epoch == r.epoch:
			v := &consensus.Vote{Kind: consensus.Prepare, View: rec.View, Seq: rec.Seq}
			if rec.Vote != nil && int(rec.Vote.Sender) == r.self {
				v.Kind = consensus.PrePrepare
			}
			r.noteOwn(v)
		case rec.Kind == RecordPrepared && rec.Prepared.Header.Epoch == r.epoch:
			r.noteOwn(&consensus.Vote{Kind: consensus.Commit, View: rec.View, Seq: rec.Seq})
		case rec.Kind == RecordViewChange && rec.Vote.Epoch == r.epoch:
			r.noteOwn(rec.Vote)
		case rec.Kind == RecordNewView && rec.Vote.Epoch == r.epoch:
			if int(rec.Vote.Sender) == r.self {
				r.noteOwn(rec.Vote)
			}
			for _, e := range rec.Vote.NewView.O {
				r.noteOwn(&consensus.Vote{Kind: consensus.Prepare, View: rec.Vote.View, Seq: e.Seq})
			}
		}
	}
}

// seeOwn takes a vote that carries this replica's signature and came from
// outside. One that is newer than all that it remembers proves that something
// was forgotten, or that another process has the key. One of a view below the
// promised one proves nothing: votes leave in order of view, so a journal that
// holds the later one has held it.
func (r *Replica) seeOwn(v *consensus.Vote) {
	old := v.Epoch < r.epoch || v.Epoch == r.epoch && (v.View < r.view || !r.marks[v.Kind].below(v))
	if old || v.Kind == consensus.Checkpoint || r.opened.Forgiven && v.Epoch <= r.opened.Epoch {
		return
	}
	if v.Epoch >= r.shownTo {
		r.shownTo = v.Epoch + 1
	}
	if !r.starting {
		r.holdBack(r.shownTo, consensus.HeldTwin)
	}
}

// past says what the journal, the file and the others know: whether this
// replica may vote, and from which epoch on. c is the highest committed seq
// that others have proved; enough says whether q of them have.
func (r *Replica) past(c consensus.Seq, enough bool) (below consensus.Epoch, why consensus.Held, decided bool) {
	file, whole := r.voted, r.journalled
	switch {
	case whole && file.Known && (!file.Ever || r.opened.Epoch >= file.Epoch) && r.shownTo == 0:
		return r.opened.Hold, r.opened.Why, true
	case !whole && file.Known && !file.Ever && r.shownTo == 0:
		return 0, consensus.NotHeld, true // a birth
	case !file.Known:
		why = consensus.HeldNoFile
	case !whole:
		why = consensus.HeldNoVotes
	case r.shownTo > 0:
		why = consensus.HeldShown
	default:
		why = consensus.HeldOld
	}
	if file.Known && file.Ever {
		below = file.Epoch + 1
	}
	below = max(below, r.shownTo, r.opened.Hold)
	if file.Known && file.Ever && r.shownTo <= file.Epoch+1 {
		return below, why, true // the file is right
	}
	running := r.epoch
	if c >= r.last {
		running++
	}
	return max(below, running+1), why, enough
}

// decideStart ends the start, if enough is known for it.
func (r *Replica) decideStart(proved int) {
	known := max(r.committed.Seq, r.verified)
	below, why, decided := r.past(known, proved >= r.set.Quorum())
	if !decided {
		return
	}
	r.starting, r.decided = false, true
	opened := Opened{Epoch: max(r.epoch, r.opened.Epoch), Hold: below, Why: why, Forgiven: r.opened.Forgiven && r.opened.Epoch >= r.epoch}
	if !r.journalled || opened != r.opened {
		r.journalled = true
		r.open(opened)
	}
	if r.held() {
		r.out.Held = &opened
	}
}

// extendOpened makes the epoch that begins part of the journal. While it is
// not decided what this replica remembers, nothing may say that it does.
func (r *Replica) extendOpened() {
	if r.self >= 0 && r.journalled && !r.starting {
		r.open(Opened{Epoch: max(r.epoch, r.opened.Epoch), Hold: r.opened.Hold, Why: r.opened.Why, Forgiven: r.opened.Forgiven && r.opened.Epoch >= r.epoch})
	}
}

func (r *Replica) open(o Opened) {
	r.opened = o
	r.out.Persist = append(r.out.Persist, Record{Kind: RecordOpened, Opened: &o})
}

// holdBack stops voting in epochs below.
func (r *Replica) holdBack(below consensus.Epoch, why consensus.Held) {
	if below <= r.opened.Hold || below <= r.epoch {
		return
	}
	held := r.opened
	held.Hold, held.Why = below, why
	r.open(held)
	r.out.Held = &held
}

// held reports whether this replica may not vote yet.
func (r *Replica) held() bool { return r.epoch < r.opened.Hold }

// yours returns the newest vote of a validator, of each kind, that is here.
func (r *Replica) yours(index int) []*consensus.Vote {
	var out []*consensus.Vote
	for _, v := range r.newest[index] {
		if v != nil {
			out = append(out, v)
		}
	}
	return out
}

// noteNewest keeps the newest vote of each kind of a validator.
func (r *Replica) noteNewest(v *consensus.Vote) {
	if v.Kind == consensus.Checkpoint || int(v.Sender) == r.self {
		return
	}
	at := &r.newest[v.Sender][v.Kind]
	if old := *at; old == nil || (mark{old.View, old.Seq, true}).below(v) {
		*at = v
	}
}

// restoreNewest remembers the votes of others that journal and head tell of. When
// all have restarted nobody else can tell a restored copy what it forgot.
func (r *Replica) restoreNewest(journal []Record) {
	var votes []*consensus.Vote
	for _, rec := range journal {
		if rec.Vote != nil {
			votes = append(votes, rec.Vote)
		}
		if rec.Prepared != nil {
			votes = append(votes, sharesOf(rec.Prepared)...)
		}
		votes = append(votes, rec.Changes...)
	}
	if c := r.base; c != nil {
		for i, sender := range c.Signers.Members() {
			votes = append(votes, &consensus.Vote{
				Kind: consensus.Commit, Epoch: c.Epoch, Sender: uint64(sender), View: c.View, Seq: c.Seq,
				Digest: c.BatchDigest, BlockHash: c.BlockHash, Signature: c.Signatures[i],
			})
		}
	}
	for _, v := range votes {
		if v.Epoch == r.epoch && v.Signature != (consensus.Signature{}) {
			r.noteNewest(v)
		}
	}
}

// newestVotes has a place for each kind.
type newestVotes [consensus.NewView + 1]*consensus.Vote

// heldText says why this replica may not vote.
func (r *Replica) heldText() string {
	switch {
	case r.starting && !r.voted.Known:
		return fmt.Sprintf("%s: waiting for the STATUS of %d others", consensus.HeldNoFile, r.set.Quorum())
	case r.starting || !r.held():
		return ""
	}
	between := uint64(r.opened.Hold-r.epoch-1) * r.params.EpochLength // if they keep their length
	return fmt.Sprintf("%s: no vote before epoch %d, which begins after block %d", r.opened.Why, r.opened.Hold, r.last+consensus.Seq(between))
}

// standsText says that too many have lost their journals, and names them.
func (r *Replica) standsText() string {
	held, names := 0, ""
	for i := range r.peers {
		if i == r.self && r.held() || i != r.self && r.peers[i].heard && r.peers[i].status.Mode == consensus.HeldBack {
			held++
			names += " " + r.set.Address(i).Hex()
		}
	}
	if r.set.Len()-held >= r.set.Quorum() {
		return ""
	}
	return fmt.Sprintf("no quorum can vote:%s may have forgotten votes of this epoch and %d of %d are needed; if their journals are lost for good, stop them and run \"quorate recover --forget-votes\" at each",
		names, r.set.Quorum(), r.set.Len())
}

// Empty batches carry a replica that is held back over the end of the epoch,
// so that an idle chain does not keep the lost margin for ever.
const flushEveryMs = 60 * 60 * 1000

// flushes reports whether the primary proposes empty batches now.
func (r *Replica) flushes() bool {
	if r.ticks < r.nextFlush {
		return false
	}
	for i := range r.peers {
		if p := &r.peers[i]; i != r.self && p.heard && p.status.Epoch == r.epoch && p.status.Mode == consensus.HeldBack {
			return true
		}
	}
	return false
}
