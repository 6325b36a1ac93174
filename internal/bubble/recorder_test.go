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
	if r := NewRecorder(nil); r.Saw([]byte{0x05, 0xc0}) != nil || r.Saw(nil) != nil {
		t.Error("what is no vote was taken for one")
	}
}
