package debug_test

import (
	"testing"

	"github.com/quorate/quorate/rpc"
)

// TestRawReceiptsOfUnknownBlock: an array is promised, and an empty one would mean
// an empty block.
func TestRawReceiptsOfUnknownBlock(t *testing.T) {
	n := newWorld(t).server(t, rpc.DefaultLimits())
	if got := n.call(t, "debug_getRawReceipts", `["0x7fffffffffffffff"]`).String(); got != "-32000 block #9223372036854775807 not found" {
		t.Errorf("answered %s", got)
	}
	if got := n.call(t, "debug_getRawReceipts", `["0x0"]`).String(); got != "[]" {
		t.Errorf("block 0: %s", got)
	}
}
