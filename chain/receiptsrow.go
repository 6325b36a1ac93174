package chain

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

// A receipts row is one receipt after the other, each
//
//	head  uvarint: bit 0 status, bit 1 "21,000 gas", the rest the number of logs
//	gas   uvarint, only without bit 1
//	logs  address (20) ‖ number of topics (1) ‖ topics (32 each) ‖ uvarint ‖ data
//
// Everything else follows from the block: cumulative gas, bloom, type, prices,
// contract addresses, indices. A plain transfer is one byte, where go-ethereum
// stores eight.
const (
	receiptStatus   = 1 << 0
	receiptTransfer = 1 << 1
	receiptLogs     = 2 // shift of the number of logs

	maxTopics   = 4 // LOG4
	minLogBytes = common.AddressLength + 2
)

var errReceiptsRow = errors.New("chain: damaged receipts row")

func encodeReceipts(receipts types.Receipts) []byte {
	out := make([]byte, 0, len(receipts))
	var before uint64
	for _, r := range receipts {
		gas := r.CumulativeGasUsed - before
		before = r.CumulativeGasUsed
		head := uint64(len(r.Logs))<<receiptLogs | r.Status&receiptStatus
		if gas == params.TxGas {
			out = binary.AppendUvarint(out, head|receiptTransfer)
		} else {
			out = binary.AppendUvarint(out, head)
			out = binary.AppendUvarint(out, gas)
		}
		for _, l := range r.Logs {
			out = append(out, l.Address[:]...)
			out = append(out, byte(len(l.Topics)))
			for _, t := range l.Topics {
				out = append(out, t[:]...)
			}
			out = binary.AppendUvarint(out, uint64(len(l.Data)))
			out = append(out, l.Data...)
		}
	}
	return out
}

// decodeReceipts returns receipts with status, cumulative gas, logs and bloom.
func decodeReceipts(row []byte) (types.Receipts, error) {
	var out types.Receipts
	err := EachReceipt(row, func(s *StoredReceipt) error {
		r := &types.Receipt{Status: s.Status, CumulativeGasUsed: s.CumulativeGasUsed, Logs: s.Logs}
		r.Bloom = types.CreateBloom(r)
		out = append(out, r)
		return nil
	})
	return out, err
}

// rowReader takes values off the front of a row; once it met the end it returns
// zeros.
type rowReader struct {
	rest []byte
	bad  bool
}

func (r *rowReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *rowReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

// receipt reads the one behind out, which has index i.
func (r *rowReader) receipt(out *StoredReceipt, i int) error {
	head := r.uvarint()
	out.GasUsed = params.TxGas
	if head&receiptTransfer == 0 {
		out.GasUsed = r.uvarint()
	}
	out.Status = head & receiptStatus
	out.CumulativeGasUsed += out.GasUsed
	n := head >> receiptLogs
	if n > uint64(len(r.rest)/minLogBytes) {
		return fmt.Errorf("%w: %d logs in %d bytes", errReceiptsRow, n, len(r.rest))
	}
	out.Logs = make([]*types.Log, 0, n)
	for range n {
		out.Logs = append(out.Logs, r.log())
	}
	if r.bad {
		return fmt.Errorf("%w: receipt %d is cut off", errReceiptsRow, i)
	}
	return nil
}

func (r *rowReader) log() *types.Log {
	l := &types.Log{Address: common.BytesToAddress(r.take(common.AddressLength)), Topics: []common.Hash{}}
	if n := r.take(1); len(n) == 1 {
		if n[0] > maxTopics {
			r.bad, r.rest = true, nil
			return l
		}
		for range n[0] {
			l.Topics = append(l.Topics, common.BytesToHash(r.take(common.HashLength)))
		}
	}
	l.Data = append([]byte{}, r.take(r.uvarint())...)
	return l
}
