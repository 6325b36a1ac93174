package pbft

import (
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// slot is everything about one sequence number above the committed one, in the
// view that was entered last.
type slot struct {
	seq consensus.Seq

	// The proposal: candidate as soon as the PRE-PREPARE is here, accepted
	// when every rule holds and it is journalled.
	batch    *consensus.Batch
	digest   common.Hash // of batch
	checked  bool        // bodies are here and valid
	accepted bool
	refused  bool // it breaks a rule; the vote stands, nothing follows from it here

	reproposed bool   // by the NEW-VIEW, which is its PRE-PREPARE
	asked      bool   // f+1 prepare what nobody has proposed here: it was asked for
	nextFetch  uint64 // tick at which a missing batch is asked for again
	fetches    int

	prepares []*consensus.Vote // by sender; the primary's PRE-PREPARE counts as its own
	commits  []*consensus.Vote // by sender, the first of each

	prepared  bool
	locked    bool // the prepared certificate and the block hash of the COMMIT are journalled
	executed  bool
	blockHash common.Hash // when executed

	// stranded: accepted here, but a quorum has committed another branch. The
	// vote stands, nothing follows it in this view, and it is never executed.
	stranded bool
	// overruled: voted here for another digest than the certificate's, so there
	// is no vote for the certified one.
	overruled bool

	prepareSent bool
	commitSent  bool
	certificate *consensus.CommitCertificate
}

func newSlot(seq consensus.Seq, n int) *slot {
	return &slot{seq: seq, prepares: make([]*consensus.Vote, n), commits: make([]*consensus.Vote, n)}
}

// matchingPrepares returns the signed PRE-PREPARE and PREPAREs on the accepted
// digest.
func (s *slot) matchingPrepares() []*consensus.Vote {
	var out []*consensus.Vote
	for _, v := range s.prepares {
		if v != nil && v.Digest == s.digest {
			out = append(out, v)
		}
	}
	return out
}

// commitQuorum returns the COMMITs of the first statement (digest, block hash)
// that has at least q of them.
func (s *slot) commitQuorum(q int) []*consensus.Vote {
	for _, first := range s.commits {
		if first == nil {
			continue
		}
		if same := s.commitsLike(first); len(same) >= q {
			return same
		}
	}
	return nil
}

func (s *slot) commitsLike(v *consensus.Vote) []*consensus.Vote {
	var out []*consensus.Vote
	for _, o := range s.commits {
		if o != nil && o.Digest == v.Digest && o.BlockHash == v.BlockHash {
			out = append(out, o)
		}
	}
	return out
}

// split reports whether no block hash of the accepted digest can reach q, even
// if everyone not yet heard from chose the most frequent one.
func (s *slot) split(q int) bool {
	silent, best := 0, 0
	for _, v := range s.commits {
		if v == nil {
			silent++
		} else if k := len(s.commitsLike(v)); k > best {
			best = k
		}
	}
	return best+silent < q
}

// held returns the bitmap of senders with a vote.
func held(votes []*consensus.Vote) consensus.Bitset {
	b := consensus.NewBitset(len(votes))
	for i, v := range votes {
		if v != nil {
			b.Set(i)
		}
	}
	return b
}
