package node

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
)

// accuser submits evidence as a transaction of this validator to the system
// account. On a chain that charges for gas the validator needs a balance.
type accuser struct{ n *Node }

// Accuse implements engine.Accuser.
func (a accuser) Accuse(ctx context.Context, ev *consensus.Evidence) error {
	tx, err := a.n.accusation(ctx, ev)
	if err != nil {
		return err
	}
	return a.n.pool.Add(ctx, tx)
}

// evidenceGasPerByte is the floor of EIP-7623 for a byte that is not zero: ten
// gas for each of four tokens. It is above what a byte costs otherwise.
const evidenceGasPerByte = 40

func (n *Node) accusation(ctx context.Context, ev *consensus.Evidence) (*types.Transaction, error) {
	data := ev.Encode()
	price := new(uint256.Int).SetUint64(n.chain.CurrentEpoch().Params.MinGasPrice)
	chainID := new(uint256.Int).SetUint64(n.genesis.ChainID)
	inner := &types.DynamicFeeTx{
		ChainID: chainID.ToBig(), Nonce: n.pool.PendingNonce(n.keys.address()), GasFeeCap: price.ToBig(), GasTipCap: price.ToBig(),
		Gas: params.TxGas + evidenceGasPerByte*uint64(len(data)), To: &genesis.SuspensionAccount, Value: new(uint256.Int).ToBig(), Data: data,
	}
	tx, err := keys.SignTransaction(ctx, n.keys.signer, inner)
	if err != nil {
		return nil, fmt.Errorf("an accusation: %w", err)
	}
	return tx, nil
}
