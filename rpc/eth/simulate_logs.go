package eth

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
)

var (
	// nativeToken is the address that stands for ether in logs (ERC-7528).
	nativeToken = common.HexToAddress("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee")
	// transferTopic is the event Transfer(address,address,uint256) of ERC-20.
	transferTopic = common.HexToHash("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
)

// recorder collects the logs of each call of a block in order, and on demand a
// log for ether that moves. A frame that reverts takes its logs back, but not
// their indices: so the execution API's cases have it.
type recorder struct {
	header    *types.Header
	transfers bool
	tx        common.Hash
	index     int          // of the transaction
	next      uint         // index of the block's next log
	logs      []*types.Log // of this call so far
	marks     []int        // for each open frame, how many logs there were before it
}

func (r *recorder) hooks() *tracing.Hooks {
	return &tracing.Hooks{OnEnter: r.enter, OnExit: r.exit, OnLog: r.log}
}

// start begins a call. What system calls have left is forgotten.
func (r *recorder) start(tx common.Hash, index int) {
	r.tx, r.index, r.logs, r.marks = tx, index, nil, nil
}

func (r *recorder) enter(_ int, op byte, from, to common.Address, _ []byte, _ uint64, value *big.Int) {
	r.marks = append(r.marks, len(r.logs))
	moves := vm.OpCode(op) != vm.DELEGATECALL && vm.OpCode(op) != vm.CALLCODE // they run in the caller's account
	if r.transfers && moves && value != nil && value.Sign() > 0 {
		r.add(nativeToken, []common.Hash{transferTopic, common.BytesToHash(from[:]), common.BytesToHash(to[:])}, common.BigToHash(value).Bytes())
	}
}

func (r *recorder) exit(_ int, _ []byte, _ uint64, _ error, reverted bool) {
	last := len(r.marks) - 1
	if reverted {
		r.logs = r.logs[:r.marks[last]]
	}
	r.marks = r.marks[:last]
}

func (r *recorder) log(l *types.Log) { r.add(l.Address, l.Topics, l.Data) }

func (r *recorder) add(address common.Address, topics []common.Hash, data []byte) {
	r.logs = append(r.logs, &types.Log{
		Address: address, Topics: topics, Data: data,
		BlockNumber: r.header.Number.Uint64(), BlockTimestamp: r.header.Time,
		TxHash: r.tx, TxIndex: uint(r.index), Index: r.next,
	})
	r.next++
}
