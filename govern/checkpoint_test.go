package govern

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/consensus/light"
)

// clocked is a node with a block each so many seconds and epochs of ten, of which each
// has another validator.
type clocked struct{ stable, seconds uint64 }

func (c clocked) hash(number uint64) common.Hash { return common.Hash{1, byte(number)} }

func (c clocked) GetBlockByNumber(number hexutil.Uint64, _ bool) map[string]any {
	return map[string]any{"hash": c.hash(uint64(number)), "timestamp": hexutil.Uint64(1_000_000 + uint64(number)*c.seconds)}
}

func (c clocked) StableCheckpoint() map[string]any {
	if c.stable == 0 {
		return nil
	}
	return map[string]any{"seq": c.stable}
}

func (c clocked) Validators(number hexutil.Uint64) map[string]any {
	epoch := (uint64(number) - 1) / 10
	return map[string]any{"firstSeq": 10*epoch + 1, "validators": []map[string]any{{"address": common.Address{byte(epoch)}}}}
}

// TestCheckpoint: what is given to others is the newest end of an epoch that is ten
// minutes older than the last stable checkpoint.
func TestCheckpoint(t *testing.T) {
	for _, row := range []struct{ stable, seconds, want uint64 }{
		{0, 1, 0},
		{20, 1, 0},     // all of it is younger
		{610, 1, 0},    // block 10 is, and its epoch has none before it
		{620, 1, 10},   // block 20 is: the end before its epoch
		{1000, 1, 390}, // block 400 is
		{40, 400, 30},  // block 38 is
		{40, 0, 0},     // a clock that stands
	} {
		server := rpc.NewServer()
		for _, name := range []string{"eth", "pbft"} {
			if err := server.RegisterName(name, clocked{row.stable, row.seconds}); err != nil {
				t.Fatal(err)
			}
		}
		c := rpc.DialInProc(server)
		got, err := New(c).Checkpoint(t.Context())
		c.Close()
		server.Stop()
		if err != nil || (got == nil) != (row.want == 0) {
			t.Errorf("%+v: %v, %v", row, got, err)
			continue
		}
		if want := (light.Checkpoint{Number: row.want, Block: clocked{}.hash(row.want), Set: light.SetHash([]common.Address{{byte(row.want / 10)}})}); got != nil && *got != want {
			t.Errorf("%+v: %v, want %v", row, got, want)
		}
	}
}
