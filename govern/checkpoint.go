package govern

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/consensus/light"
)

// Checkpoint returns the last stable checkpoint of the node, and who decides after it,
// for others to trust; nil when no epoch has ended yet. It is worth what the node is
// worth that is asked.
func (c *Client) Checkpoint(ctx context.Context) (*light.Checkpoint, error) {
	var stable *struct {
		Seq       uint64      `json:"seq"`
		BlockHash common.Hash `json:"blockHash"`
	}
	if err := c.rpc.CallContext(ctx, &stable, "pbft_stableCheckpoint"); err != nil || stable == nil {
		return nil, err
	}
	var next struct {
		Validators []struct {
			Address common.Address `json:"address"`
		} `json:"validators"`
	}
	if err := c.rpc.CallContext(ctx, &next, "pbft_validators", hexutil.Uint64(stable.Seq+1)); err != nil {
		return nil, err
	}
	var set []common.Address
	for _, v := range next.Validators {
		set = append(set, v.Address)
	}
	return &light.Checkpoint{Number: stable.Seq, Block: stable.BlockHash, Set: light.SetHash(set)}, nil
}
