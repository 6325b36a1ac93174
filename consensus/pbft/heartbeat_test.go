package pbft

import (
	"testing"

	"github.com/quorate/quorate/consensus"
)

// TestHeartbeat: with emptyBlockMs an idle primary proposes an empty batch after
// that silence, and one only; without it never.
func TestHeartbeat(t *testing.T) {
	for ms, want := range map[uint64]bool{0: false, 60_000: true} {
		st := testStart(t)
		st.Epoch.Params.EmptyBlockMs = ms
		r, err := New(Config{Self: testSet(t, 4).Address(0)}, st)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{1, 2} {
			step(t, r, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
		}
		step(t, r, Tick{Ticks: 5_999, NowMs: 1_059_990})
		if r.slots[1] != nil {
			t.Errorf("%d ms: a block after less", ms)
		}
		if ms > 0 && r.NextTick() != 1 {
			t.Errorf("the engine would look again in %d ticks", r.NextTick())
		}
		step(t, r, Tick{Ticks: 1, NowMs: 1_060_000})
		if s := r.slots[1]; (s != nil) != want || want && s.batch.Header.TxCount != 0 {
			t.Errorf("%d ms: %+v", ms, s)
		}
		step(t, r, Tick{Ticks: 6_000, NowMs: 1_120_000})
		if r.slots[2] != nil {
			t.Errorf("%d ms: a second one before the first is final", ms)
		}
	}
}
