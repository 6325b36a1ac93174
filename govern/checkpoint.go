package govern

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/consensus/light"
)

// settled is how much older than the last stable checkpoint one must be, by the times of
// the blocks, to be given to others: they may begin with a snapshot, of which validators
// make a new one every five minutes, and an older one than the checkpoint is of no use.
const settled = 10 * time.Minute

// Checkpoint returns the newest end of an epoch of the node that is settled, and who
// decides after it, for others to trust; nil while there is none. It is worth what the
// node is worth that is asked.
func (c *Client) Checkpoint(ctx context.Context) (*light.Checkpoint, error) {
	var stable *struct {
		Seq uint64 `json:"seq"`
	}
	if err := c.rpc.CallContext(ctx, &stable, "pbft_stableCheckpoint"); err != nil || stable == nil {
		return nil, err
	}
	last, err := c.block(ctx, stable.Seq)
	if err != nil {
		return nil, err
	}
	limit := uint64(last.Time) - min(uint64(last.Time), uint64(settled/time.Second))
	above := sort.Search(int(stable.Seq), func(n int) bool { // the first block after the limit, of 1 and up
		b, failed := c.block(ctx, uint64(n)+1)
		if failed != nil {
			err = failed
			return true
		}
		return uint64(b.Time) > limit
	})
	if err != nil || above == 0 {
		return nil, err
	}
	e, err := c.epochOf(ctx, uint64(above)) // the last block that is settled
	if err != nil || e.First == 1 {
		return nil, err
	}
	end, err := c.block(ctx, e.First-1)
	if err != nil {
		return nil, err
	}
	var set []common.Address
	for _, v := range e.Validators {
		set = append(set, v.Address)
	}
	return &light.Checkpoint{Number: e.First - 1, Block: end.Hash, Set: light.SetHash(set)}, nil
}

type blockFacts struct {
	Hash common.Hash    `json:"hash"`
	Time hexutil.Uint64 `json:"timestamp"`
}

func (c *Client) block(ctx context.Context, number uint64) (*blockFacts, error) {
	var b *blockFacts
	err := c.rpc.CallContext(ctx, &b, "eth_getBlockByNumber", hexutil.Uint64(number), false)
	if err == nil && b == nil {
		err = fmt.Errorf("the node has no block %d", number)
	}
	return b, err
}
