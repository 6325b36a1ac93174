package ethjson

import (
	"encoding/json"

	"github.com/ethereum/go-ethereum/core/types"
)

// callBytes is about what the result of a call takes besides its data and logs.
const callBytes = 200

// Call is what one call of a simulated block did.
type Call struct {
	Return     []byte
	Logs       []*types.Log
	GasUsed    uint64
	MaxUsedGas uint64     // before refunds
	Error      *CallError // nil: it succeeded
}

// CallError says why a call failed. Data is what it reverted with, in
// hexadecimal; empty if it did not revert.
type CallError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data,omitempty"`
}

// SimulatedBlock returns an element of the list of eth_simulateV1: a block with
// the results of its calls. The signer tells who made them.
func SimulatedBlock(block *types.Block, list []Call, full bool, signer types.Signer) json.RawMessage {
	size := 2
	for i := range list {
		size += callBytes + 2*len(list[i].Return) + logBytes*len(list[i].Logs)
	}
	b := openBlock(nil, block, full, signer, size)
	b = append(key(b, "calls"), '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = call(b, &list[i])
	}
	return end(append(b, "],"...))
}

func call(b []byte, c *Call) []byte {
	b = append(b, '{')
	b = hexes(b, "returnData", c.Return)
	b = append(logs(key(b, "logs"), c.Logs), ',')
	b = quantity(b, "gasUsed", c.GasUsed)
	b = quantity(b, "maxUsedGas", c.MaxUsedGas)
	if c.Error == nil {
		return end(quantity(b, "status", types.ReceiptStatusSuccessful))
	}
	b = quantity(b, "status", types.ReceiptStatusFailed)
	failure, _ := json.Marshal(c.Error) // a number and strings
	return end(append(append(key(b, "error"), failure...), ','))
}
