package engine

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// guard is the second line behind the journal: it stands at the signer and
// refuses what would contradict an earlier signature, whatever the replica
// above it asks for. It is used by the engine goroutine only.
type guard struct {
	signer Signer
	voted  Voted
	epoch  consensus.Epoch // recorded by voted
	fresh  bool            // nothing is recorded yet in this run
	domain consensus.Domain
	signed map[guardPlace]common.Hash // place → what was said
	stable consensus.Seq
	// The promise: no vote of promisedEpoch leaves in a view below promised.
	promisedEpoch consensus.Epoch
	promised      consensus.View
}

// guardPlace is where a validator may say one thing only. For the block hash
// of a batch, which holds in every view, kind is guardBlock and the digest
// tells batches apart.
type guardPlace struct {
	kind   consensus.Kind
	epoch  consensus.Epoch
	view   consensus.View
	seq    consensus.Seq
	digest common.Hash
}

const guardBlock consensus.Kind = 0

func newGuard(s Signer, voted Voted, d consensus.Domain) *guard {
	return &guard{signer: s, voted: voted, fresh: true, domain: d, signed: make(map[guardPlace]common.Hash)}
}

// remember loads what the journal says was signed, or may have been. self tells
// own votes from others'.
func (g *guard) remember(records []pbft.Record, self func(*consensus.Vote) bool) {
	for _, r := range records {
		switch r.Kind {
		case pbft.RecordStable:
			g.cut(r.Stable.Seq)
		case pbft.RecordProposal:
			v := consensus.Vote{Kind: consensus.Prepare, Epoch: r.Batch.Header.Epoch, View: r.View, Seq: r.Seq, Digest: r.Batch.Digest()}
			if r.Vote != nil && self(r.Vote) {
				v.Kind = consensus.PrePrepare
			}
			g.note(&v)
		case pbft.RecordPrepared:
			h := r.Prepared.Header
			g.note(&consensus.Vote{Kind: consensus.Commit, Epoch: h.Epoch, View: r.View, Seq: r.Seq, Digest: h.Digest(), BlockHash: r.BlockHash})
		case pbft.RecordViewChange:
			g.note(r.Vote)
			g.promise(r.Vote)
		case pbft.RecordNewView:
			if self(r.Vote) {
				g.note(r.Vote)
			}
			g.promise(r.Vote)
			for _, e := range r.Vote.NewView.O {
				g.note(&consensus.Vote{Kind: consensus.Prepare, Epoch: r.Vote.Epoch, View: r.Vote.View, Seq: e.Seq, Digest: e.Digest})
			}
		}
	}
}

// promise raises the view below which nothing is signed.
func (g *guard) promise(v *consensus.Vote) {
	if v.Epoch > g.promisedEpoch {
		g.promisedEpoch, g.promised = v.Epoch, 0
	}
	if v.Epoch == g.promisedEpoch {
		g.promised = max(g.promised, v.View)
	}
}

// sign signs v in place, or says why not.
func (g *guard) sign(ctx context.Context, v *consensus.Vote) error {
	if ofSeq(v.Kind) && v.Seq <= g.stable {
		return fmt.Errorf("sign guard: %s for seq %d, the stable checkpoint is %d", v.Kind, v.Seq, g.stable)
	}
	if v.Kind != consensus.Checkpoint && v.Epoch == g.promisedEpoch && v.View < g.promised {
		return fmt.Errorf("sign guard: %s in epoch %d view %d, promised was to vote in none below %d", v.Kind, v.Epoch, v.View, g.promised)
	}
	for _, p := range places(v) {
		if old, ok := g.signed[p.place]; ok && old != p.says {
			return fmt.Errorf("sign guard: %s at epoch %d view %d seq %d would say %s, signed before was %s", v.Kind, v.Epoch, v.View, v.Seq, p.says, old)
		}
	}
	if g.fresh || v.Epoch > g.epoch {
		if err := g.voted.Record(v.Epoch); err != nil {
			return fmt.Errorf("recording that this key votes in epoch %d: %w", v.Epoch, err)
		}
		g.fresh, g.epoch = false, v.Epoch
	}
	sig, err := g.signer.Sign(ctx, v.Preimage(g.domain))
	if err != nil {
		return fmt.Errorf("signing %s %d: %w", v.Kind, v.Seq, err)
	}
	v.Signature = sig
	g.note(v)
	if v.Kind == consensus.ViewChange || v.Kind == consensus.NewView {
		g.promise(v)
	}
	return nil
}

func (g *guard) note(v *consensus.Vote) {
	for _, p := range places(v) {
		g.signed[p.place] = p.says
	}
}

type guarded struct {
	place guardPlace
	says  common.Hash
}

// places returns the places that a vote fills, and with what.
func places(v *consensus.Vote) []guarded {
	at := guardPlace{kind: v.Kind, epoch: v.Epoch, view: v.View, seq: v.Seq}
	switch v.Kind {
	case consensus.Commit:
		block := guardPlace{kind: guardBlock, epoch: v.Epoch, seq: v.Seq, digest: v.Digest}
		return []guarded{{at, v.Digest}, {block, v.BlockHash}}
	case consensus.Checkpoint:
		return []guarded{{at, v.BlockHash}}
	case consensus.ViewChange:
		return []guarded{{at, v.Change.Digest()}}
	case consensus.NewView:
		return []guarded{{at, v.NewView.Digest()}}
	}
	return []guarded{{at, v.Digest}}
}

// cut forgets what a stable checkpoint makes impossible to sign.
func (g *guard) cut(stable consensus.Seq) {
	g.stable = max(g.stable, stable)
	for p := range g.signed {
		if ofSeq(p.kind) && p.seq <= g.stable {
			delete(g.signed, p)
		}
	}
}

// ofSeq reports whether votes of the kind are about one sequence number.
func ofSeq(k consensus.Kind) bool { return k <= consensus.Checkpoint }
