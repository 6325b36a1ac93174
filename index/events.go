package index

import (
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Standard is what kind of token an event is of.
type Standard byte

// The standards. The numbers are in rows.
const (
	ERC20 Standard = iota
	ERC721
	ERC1155
)

// String is the name, as in "ERC20".
func (s Standard) String() string {
	switch s {
	case ERC20:
		return "ERC20"
	case ERC721:
		return "ERC721"
	case ERC1155:
		return "ERC1155"
	}
	return "unknown"
}

// HasIDs reports whether a token of the standard is many tokens, told apart by ids.
func (s Standard) HasIDs() bool { return s != ERC20 }

// Transfer is what an event says: a value of a token, or of one of its ids, went from
// one address to another. The zero address stands for nobody: it makes and burns.
type Transfer struct {
	From, To common.Address
	ID       uint256.Int // 0 without ids
	Value    uint256.Int // 1 for ERC-721
}

// The events of the standards.
var (
	topicTransfer = crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)")) // ERC-20 and ERC-721
	topicSingle   = crypto.Keccak256Hash([]byte("TransferSingle(address,address,address,uint256,uint256)"))
	topicBatch    = crypto.Keccak256Hash([]byte("TransferBatch(address,address,address,uint256[],uint256[])"))
)

// batchData is the data of TransferBatch: ids and values.
var batchData = func() abi.Arguments {
	list, err := abi.NewType("uint256[]", "", nil)
	if err != nil {
		panic(err) // the text is right
	}
	return abi.Arguments{{Type: list}, {Type: list}}
}()

// Transfers returns what a log says of tokens: nothing if it is not exactly an event
// of one of the standards. A batch without ids is one, without transfers.
func Transfers(l *types.Log) (s Standard, list []Transfer, ok bool) {
	if len(l.Topics) < 3 {
		return 0, nil, false
	}
	switch l.Topics[0] {
	case topicTransfer:
		return plainTransfer(l)
	case topicSingle:
		return singleTransfer(l)
	case topicBatch:
		return batchTransfer(l)
	}
	return 0, nil, false
}

// plainTransfer tells ERC-20 from ERC-721 by whether the last argument is a topic.
func plainTransfer(l *types.Log) (s Standard, list []Transfer, ok bool) {
	var t Transfer
	if !parties(&t, l.Topics[1], l.Topics[2]) {
		return 0, nil, false
	}
	switch {
	case len(l.Topics) == 3 && len(l.Data) == 32:
		t.Value.SetBytes32(l.Data)
		return ERC20, []Transfer{t}, true
	case len(l.Topics) == 4 && len(l.Data) == 0:
		t.ID.SetBytes32(l.Topics[3][:])
		t.Value.SetOne()
		return ERC721, []Transfer{t}, true
	}
	return 0, nil, false
}

func singleTransfer(l *types.Log) (s Standard, list []Transfer, ok bool) {
	var t Transfer
	if len(l.Topics) != 4 || len(l.Data) != 64 || !parties(&t, l.Topics[2], l.Topics[3]) {
		return 0, nil, false
	}
	t.ID.SetBytes32(l.Data[:32])
	t.Value.SetBytes32(l.Data[32:])
	return ERC1155, []Transfer{t}, true
}

// minTransfers is how many transfers a TransferBatch has at least, if it is one that is
// written as compilers do, by the length of its data; 0 for other events.
func minTransfers(l *types.Log) uint64 {
	const words = 4 // two offsets and two lengths
	if len(l.Topics) == 0 || l.Topics[0] != topicBatch || len(l.Data) < 32*(words+2) {
		return 0
	}
	return uint64(len(l.Data)-32*words) / 64
}

func batchTransfer(l *types.Log) (s Standard, list []Transfer, ok bool) {
	var t Transfer
	if len(l.Topics) != 4 || !parties(&t, l.Topics[2], l.Topics[3]) {
		return 0, nil, false
	}
	args, err := batchData.Unpack(l.Data)
	if err != nil {
		return 0, nil, false
	}
	ids, values := args[0].([]*big.Int), args[1].([]*big.Int)
	if len(ids) != len(values) {
		return 0, nil, false
	}
	list = make([]Transfer, len(ids))
	for i := range ids {
		list[i] = t
		list[i].ID.SetFromBig(ids[i])
		list[i].Value.SetFromBig(values[i])
	}
	return ERC1155, list, true
}

// parties takes sender and recipient; topics that are no addresses are refused.
func parties(t *Transfer, from, to common.Hash) bool {
	for _, topic := range []common.Hash{from, to} {
		if [12]byte(topic[:12]) != ([12]byte{}) {
			return false
		}
	}
	t.From, t.To = common.BytesToAddress(from[12:]), common.BytesToAddress(to[12:])
	return true
}
