package consensus

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

func TestScheduleSpans(t *testing.T) {
	set := setOf(t, 4)
	s := NewSchedule(set, nil, 0, 16, 1)
	for _, row := range []struct {
		view View
		seq  Seq
		want int
	}{
		{0, 1, 0},
		{0, 16, 0},
		{0, 17, 1},
		{0, 33, 2},
		{0, 49, 3},
		{0, 64, 3},
		{0, 65, 0},
		{1, 1, 1},
		{1, 17, 2},
		{3, 17, 0},
		{4, 1, 0},
		{1<<64 - 1, 17, 0},
		{2, 0, 2}, // below first: no span yet
	} {
		if got := s.Primary(row.view, row.seq); got != row.want {
			t.Errorf("primary(%d, %d) = %d, want %d", row.view, row.seq, got, row.want)
		}
	}
	// After a NEW-VIEW whose O ends at 40, the spans begin at 41.
	moved := s.From(41)
	for _, row := range []struct {
		seq  Seq
		want int
	}{{30, 1}, {41, 1}, {56, 1}, {57, 2}} {
		if got := moved.Primary(1, row.seq); got != row.want {
			t.Errorf("from 41: primary(1, %d) = %d, want %d", row.seq, got, row.want)
		}
	}
	if s.NewViewPrimary(6) != 2 || s.Primary(0, 17) != 1 {
		t.Error("NEW-VIEW's primary depends on the span, or From changed its source")
	}
}

func TestScheduleRotatesWithEpochs(t *testing.T) {
	set := setOf(t, 4)
	for e := range Epoch(9) {
		first := Seq(e)*64 + 1
		if got := NewSchedule(set, nil, e, 16, first).Primary(0, first); got != int(e%4) {
			t.Errorf("epoch %d begins with %d", e, got)
		}
	}
}

// TestStablePrimary: with span 0 the primary changes with the view alone, in
// every epoch (docs/adr/0003).
func TestStablePrimary(t *testing.T) {
	set := setOf(t, 4)
	for e := range Epoch(6) {
		s := NewSchedule(set, nil, e, 0, Seq(e)*64+1)
		for seq := Seq(e)*64 + 1; seq <= Seq(e+1)*64; seq++ {
			for v := range View(5) {
				if got := s.Primary(v, seq); got != int(v%4) {
					t.Fatalf("epoch %d: primary(%d, %d) = %d", e, v, seq, got)
				}
			}
		}
	}
}

func TestScheduleSuspension(t *testing.T) {
	set := setOf(t, 4)
	suspended := []common.Address{set.Address(1)}
	s := NewSchedule(set, suspended, 0, 1, 1)
	for seq, want := range map[Seq]int{1: 0, 2: 2, 3: 3, 4: 0} {
		if got := s.Primary(0, seq); got != want {
			t.Errorf("primary(0, %d) = %d, want %d", seq, got, want)
		}
	}
	// The rotation counts those who are left: epoch 4 mod 3 = 1.
	if got := NewSchedule(set, suspended, 4, 1, 1).Primary(0, 1); got != 2 {
		t.Errorf("epoch 4 begins with %d, want 2", got)
	}
	// A stranger's suspension changes nothing, everybody's neither.
	for name, list := range map[string][]common.Address{"stranger": {{0xff}}, "everybody": set.Addresses()} {
		if got := NewSchedule(set, list, 5, 16, 1).Primary(0, 1); got != 1 {
			t.Errorf("%s suspended: epoch 5 begins with %d, want 1", name, got)
		}
	}
}

// TestScheduleSharesNothing: making a rotated order leaves no trace in others.
func TestScheduleSharesNothing(t *testing.T) {
	set := setOf(t, 5)
	a := NewSchedule(set, nil, 0, 1, 1)
	for e := range Epoch(5) {
		NewSchedule(set, nil, e, 1, 1)
	}
	for i := range 5 {
		if got := a.Primary(View(i), 1); got != i {
			t.Errorf("primary(%d, 1) = %d", i, got)
		}
	}
}
