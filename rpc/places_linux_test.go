package rpc

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestPlacesPriority: the kernel knows that work in a place may wait, and that what
// the caller does afterwards may not.
func TestPlacesPriority(t *testing.T) {
	nice := func() (int, error) {
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			return 0, err
		}
		return int(attr.Nice), nil
	}
	usual, err := nice()
	if err != nil {
		t.Fatal(err)
	}
	low, err := Work(t.Context(), AnyTurn, NewPlaces(1, "calls", stopped(t)), nice)
	if err != nil || low != max(usual, lowPriority) {
		t.Errorf("priority %d in a place, want %d: %v", low, max(usual, lowPriority), err)
	}
	if now, err := nice(); now != usual || err != nil {
		t.Errorf("priority %d after it, was %d: %v", now, usual, err)
	}
}
