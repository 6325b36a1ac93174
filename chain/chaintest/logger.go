package chaintest

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/genesis"
)

// loggerCode emits one log whose topics are the words of the call data, none to
// four. The blocks of the jump table are 17 bytes long.
//
//	CALLDATASIZE PUSH1 5 SHR PUSH1 17 MUL PUSH1 11 ADD JUMP
//	n times, n = 0…4: JUMPDEST (PUSH1 32·i CALLDATALOAD for i = n−1…0) PUSH0 PUSH0 LOGn STOP
func loggerCode() []byte {
	code := common.FromHex("3660051c601102600b0156")
	for n := range 5 {
		block := []byte{0x5b}
		for i := n - 1; i >= 0; i-- {
			block = append(block, 0x60, byte(32*i), 0x35)
		}
		block = append(block, 0x5f, 0x5f, 0xa0+byte(n), 0x00)
		code = append(code, append(block, make([]byte, 17-len(block))...)...)
	}
	return code
}

// Loggers puts contracts at these addresses into the genesis that log what they
// are called with: see User.Log.
func Loggers(at ...common.Address) func(*genesis.Genesis) {
	return func(g *genesis.Genesis) {
		for _, a := range at {
			g.Alloc[a] = types.Account{Code: loggerCode(), Balance: new(big.Int)}
		}
	}
}

// Log signs the user's next transaction: a call of one of Loggers that emits a
// log with these topics, at most four.
func (u *User) Log(contract common.Address, topics ...common.Hash) *types.Transaction {
	var data []byte
	for _, t := range topics {
		data = append(data, t[:]...)
	}
	return u.SignNext(&types.LegacyTx{To: &contract, Gas: 100_000, GasPrice: new(big.Int), Data: data})
}
