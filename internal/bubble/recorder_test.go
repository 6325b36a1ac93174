package bubble

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestRecorder: without this one the tests that rely on the recorder could not
// fail.
func TestRecorder(t *testing.T) {
	vote := func(v consensus.Vote) []byte { return append([]byte{0x01}, v.Encode()...) }
	first := consensus.Vote{Kind: consensus.Commit, Sender: 2, View: 0, Seq: 7, Digest: common.Hash{1}, BlockHash: common.Hash{9}}
	for _, row := range []struct {
		name   string
		change func(*consensus.Vote)
		faults int
	}{
		{"the same again", func(*consensus.Vote) {}, 0},
		{"another signature", func(v *consensus.Vote) { v.Signature[3] = 1 }, 0},
		{"another validator", func(v *consensus.Vote) { v.Sender, v.BlockHash = 1, common.Hash{8} }, 0},
		{"another seq", func(v *consensus.Vote) { v.Seq, v.Digest = 8, common.Hash{2} }, 0},
		{"another kind", func(v *consensus.Vote) { v.Kind, v.BlockHash = consensus.Prepare, common.Hash{} }, 0},
		{"another digest", func(v *consensus.Vote) { v.Digest = common.Hash{2} }, 1},
		{"another block, same view", func(v *consensus.Vote) { v.BlockHash = common.Hash{8} }, 2},
		{"another block, later view", func(v *consensus.Vote) { v.View, v.BlockHash = 3, common.Hash{8} }, 1},
		{"another batch, later view", func(v *consensus.Vote) { v.View, v.Digest = 3, common.Hash{2} }, 0},
	} {
		faults := 0
		r := NewRecorder(func(string) { faults++ })
		r.Saw(vote(first))
		second := first
		row.change(&second)
		r.Saw(vote(second))
		if faults != row.faults {
			t.Errorf("%s: %d faults, want %d", row.name, faults, row.faults)
		}
	}
	asks := func(view consensus.View) *consensus.Vote {
		return &consensus.Vote{Kind: consensus.ViewChange, Sender: 2, View: view, Change: &consensus.ViewChangeBody{View: view}}
	}
	for _, row := range []struct {
		name   string
		second consensus.Vote
		faults int
	}{
		{"sent again", first, 0},
		{"below the promise", consensus.Vote{Kind: consensus.Prepare, Sender: 2, View: 3, Seq: 7, Digest: common.Hash{1}}, 1},
		{"at the promise", consensus.Vote{Kind: consensus.Prepare, Sender: 2, View: 4, Seq: 7, Digest: common.Hash{1}}, 0},
		{"another validator", consensus.Vote{Kind: consensus.Prepare, Sender: 1, View: 3, Seq: 7, Digest: common.Hash{1}}, 0},
		{"next epoch", consensus.Vote{Kind: consensus.Prepare, Sender: 2, Epoch: 1, View: 3, Seq: 70, Digest: common.Hash{1}}, 0},
		{"a CHECKPOINT", consensus.Vote{Kind: consensus.Checkpoint, Sender: 2, Seq: 64}, 0},
		{"a lower view asked for", *asks(2), 1},
		{"another VIEW-CHANGE", consensus.Vote{Kind: consensus.ViewChange, Sender: 2, View: 4, Change: &consensus.ViewChangeBody{View: 4, Stable: 9}}, 1},
		{"a NEW-VIEW below", consensus.Vote{Kind: consensus.NewView, Sender: 2, View: 3, NewView: &consensus.NewViewBody{View: 3}}, 1},
	} {
		faults := 0
		r := NewRecorder(func(string) { faults++ })
		r.Note(&first)
		r.Note(asks(4))
		r.Note(&row.second)
		if faults != row.faults {
			t.Errorf("after a VIEW-CHANGE to view 4, %s: %d faults, want %d", row.name, faults, row.faults)
		}
	}
	if r := NewRecorder(nil); r.Saw([]byte{0x05, 0xc0}) != nil || r.Saw(nil) != nil {
		t.Error("what is no vote was taken for one")
	}
}
