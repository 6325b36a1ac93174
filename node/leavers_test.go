package node

import (
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/registry"
)

// TestLeavers: each has its own 30 s, however short epochs are, whoever leaves later,
// and once.
func TestLeavers(t *testing.T) {
	named := func(ids string) (out []registry.Member) {
		for _, id := range ids {
			out = append(out, registry.Member{NodeID: string(id)})
		}
		return out
	}
	text := func(l *leavers) (s string) {
		for _, m := range l.members() {
			s += m.NodeID
		}
		return s
	}
	start := time.Unix(1000, 0)
	var l leavers
	for _, step := range []struct {
		at              int // s
		epoch           consensus.Epoch
		before, members string
		want            string
	}{
		{0, 1, "ab", "ab", ""},
		{0, 2, "abc", "ab", "c"},
		{6, 3, "ab", "ab", "c"},
		{12, 4, "abd", "ab", "cd"},
		{18, 5, "ab", "ab", "cd"},
		{18, 5, "ab", "abd", "c"}, // d is back
		{29, 6, "ab", "ab", "c"},
		{30, 6, "ab", "ab", ""},
		{31, 7, "abc", "ab", "c"},
		{61, 7, "abc", "ab", ""}, // the epoch goes on: it does not come again
		{90, 7, "abc", "ab", ""},
	} {
		l.part(step.epoch, named(step.before), named(step.members), start.Add(time.Duration(step.at)*time.Second))
		if got := text(&l); got != step.want {
			t.Errorf("after %d s, epoch %d: %q are leaving, want %q", step.at, step.epoch, got, step.want)
		}
	}
	if at, ok := l.next(); ok {
		t.Errorf("nobody is leaving, the next at %s", at)
	}
	l.part(8, named("xy"), named("a"), start)
	l.part(9, named("z"), named("a"), start.Add(time.Second))
	if at, ok := l.next(); !ok || !at.Equal(start.Add(leaveGrace)) {
		t.Errorf("the next parts at %s, %v", at, ok)
	}
}
