package bubble

import (
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
)

// Recorder watches the wire and remembers every vote, over all restarts. It
// votes nothing. Its methods are safe for concurrent use.
type Recorder struct {
	fault func(string) // hears of every second vote for one place

	mu     sync.Mutex
	places map[votePlace]*consensus.Vote
	blocks map[blockPlace]common.Hash
	count  map[consensus.Kind]int
	// promised is the highest view that a validator has asked for or opened in an
	// epoch: below it, it votes no more.
	promised map[epochOf]consensus.View
}

// epochOf is one validator's epoch.
type epochOf struct {
	sender uint64
	epoch  consensus.Epoch
}

// votePlace is where a validator may say one thing only.
type votePlace struct {
	sender uint64
	kind   consensus.Kind
	epoch  consensus.Epoch
	view   consensus.View
	seq    consensus.Seq
}

// blockPlace is a batch for which a validator may name one block only, in any
// view.
type blockPlace struct {
	sender uint64
	epoch  consensus.Epoch
	seq    consensus.Seq
	digest common.Hash
}

// NewRecorder returns a recorder that calls fault with each contradiction.
func NewRecorder(fault func(string)) *Recorder {
	return &Recorder{
		fault: fault, places: map[votePlace]*consensus.Vote{}, blocks: map[blockPlace]common.Hash{}, count: map[consensus.Kind]int{},
		promised: map[epochOf]consensus.View{},
	}
}

// Saw takes one consensus message from the wire and returns its vote, nil if it
// carries none.
func (r *Recorder) Saw(data []byte) *consensus.Vote {
	v := engine.VoteIn(data)
	if v != nil {
		r.Note(v)
	}
	return v
}

// Note takes one vote. Those of one validator must come in the order in which
// it signed them; what it sends again may come at any time.
func (r *Recorder) Note(v *consensus.Vote) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := votePlace{v.Sender, v.Kind, v.Epoch, v.View, v.Seq}
	switch old := r.places[at]; {
	case old == nil:
		r.places[at] = v
		r.count[v.Kind]++
		r.keepsPromise(v)
	case !old.SameStatement(v):
		r.fault(fmt.Sprintf("validator %d signed two %s at epoch %d view %d seq %d: digest %s block %s, and digest %s block %s",
			v.Sender, v.Kind, v.Epoch, v.View, v.Seq, old.Digest, old.BlockHash, v.Digest, v.BlockHash))
	}
	if v.Kind != consensus.Commit {
		return
	}
	batch := blockPlace{v.Sender, v.Epoch, v.Seq, v.Digest}
	if old, ok := r.blocks[batch]; ok && old != v.BlockHash {
		r.fault(fmt.Sprintf("validator %d named two blocks for batch %s at seq %d: %s and %s", v.Sender, v.Digest, v.Seq, old, v.BlockHash))
	}
	r.blocks[batch] = v.BlockHash
}

// keepsPromise checks a vote that is new: who has asked for a view signs
// nothing below it.
func (r *Recorder) keepsPromise(v *consensus.Vote) {
	if v.Kind == consensus.Checkpoint {
		return // it has no view
	}
	at := epochOf{v.Sender, v.Epoch}
	switch p := r.promised[at]; {
	case v.View < p:
		r.fault(fmt.Sprintf("validator %d signed %s at epoch %d view %d seq %d after it had asked for view %d", v.Sender, v.Kind, v.Epoch, v.View, v.Seq, p))
	case v.Kind == consensus.ViewChange || v.Kind == consensus.NewView:
		r.promised[at] = v.View
	}
}

// Count returns how many different places of a kind were voted on.
func (r *Recorder) Count(k consensus.Kind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[k]
}
