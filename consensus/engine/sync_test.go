package engine

import (
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus/pbft"
)

// TestSyncAsksTheOthersToo: who claims to be ahead may fall silent.
func TestSyncAsksTheOthersToo(t *testing.T) {
	w := newWorld(t, 4)
	e := w.members[1].build()
	var order []common.Address
	for _, i := range []int{2, 0, 3} {
		order = append(order, w.members[i].address)
	}
	if got := e.sources(&pbft.Target{Seq: 5, From: []common.Address{w.members[2].address}}); !slices.Equal(got, order) {
		t.Errorf("asked are %v, want %v", got, order)
	}
}
