package chaintest

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/genesis"
)

// emitterCode jumps to the first word of the call data, which must be where the block
// for so many topics begins, and emits one log: the next words are its topics, the
// rest is its data. It returns the code and the places of the blocks.
//
//	PUSH0 CALLDATALOAD JUMP
//	n topics, n = 0…4, k = 32·(n+1): JUMPDEST (PUSH1 32·(i+1) CALLDATALOAD for i = n−1…0)
//	  PUSH1 k CALLDATASIZE SUB DUP1 PUSH1 k PUSH0 CALLDATACOPY PUSH0 LOGn STOP
func emitterCode() (code []byte, at [5]byte) {
	code = []byte{0x5f, 0x35, 0x56}
	for n := range 5 {
		at[n] = byte(len(code))
		code = append(code, 0x5b)
		for i := n - 1; i >= 0; i-- {
			code = append(code, 0x60, byte(32*(i+1)), 0x35)
		}
		k := byte(32 * (n + 1))
		code = append(code, 0x60, k, 0x36, 0x03, 0x80, 0x60, k, 0x5f, 0x37, 0x5f, 0xa0+byte(n), 0x00)
	}
	return code, at
}

// Emitters puts contracts at these addresses into the genesis that emit any log: see
// User.Emit.
func Emitters(at ...common.Address) func(*genesis.Genesis) {
	return func(g *genesis.Genesis) {
		code, _ := emitterCode()
		for _, a := range at {
			g.Alloc[a] = types.Account{Code: code, Balance: new(big.Int)}
		}
	}
}

// Emit signs the user's next transaction: a call of one of Emitters that emits a log
// with these topics, at most four, and data.
func (u *User) Emit(contract common.Address, data []byte, topics ...common.Hash) *types.Transaction {
	_, at := emitterCode()
	input := common.LeftPadBytes([]byte{at[len(topics)]}, 32)
	for _, t := range topics {
		input = append(input, t[:]...)
	}
	return u.SignNext(&types.LegacyTx{To: &contract, Gas: 1_000_000, GasPrice: new(big.Int), Data: append(input, data...)})
}

// factoryCode makes a contract whose code is one STOP by CREATE2 with the first word of
// the call data as salt, and then reverts if the second word is not zero.
//
//	PUSH8 init PUSH0 MSTORE PUSH0 CALLDATALOAD PUSH1 8 PUSH1 24 PUSH0 CREATE2 POP
//	PUSH1 32 CALLDATALOAD PUSH1 end JUMPI STOP JUMPDEST PUSH0 PUSH0 REVERT
var (
	factoryInit = common.FromHex("60005f5360015ff3")
	factoryCode = common.FromHex("6760005f5360015ff35f525f35600860185ff550602035601b5700" + "5b5f5ffd")
)

// Factories puts contracts at these addresses into the genesis that make contracts: see
// User.Make.
func Factories(at ...common.Address) func(*genesis.Genesis) {
	return func(g *genesis.Genesis) {
		for _, a := range at {
			g.Alloc[a] = types.Account{Code: factoryCode, Balance: new(big.Int), Nonce: 1}
		}
	}
}

// Make signs the user's next transaction: a call of one of Factories that makes a
// contract with a salt, and reverts if it shall.
func (u *User) Make(factory common.Address, salt common.Hash, revert bool) *types.Transaction {
	var fail common.Hash
	if revert {
		fail[31] = 1
	}
	return u.SignNext(&types.LegacyTx{To: &factory, Gas: 1_000_000, GasPrice: new(big.Int), Data: append(salt[:], fail[:]...)})
}

// Made is the address of the contract that a factory makes with a salt.
func Made(factory common.Address, salt common.Hash) common.Address {
	return crypto.CreateAddress2(factory, salt, crypto.Keccak256(factoryInit))
}

// fickleCode makes a contract as factoryCode does, with the value of the call, whose
// code stays if there is a value and otherwise destroys itself while it is made.
//
//	init: CALLVALUE PUSH1 6 JUMPI PUSH0 SELFDESTRUCT JUMPDEST · code of one STOP
var (
	fickleInit = common.FromHex("346006575fff5b60005f5360015ff3")
	fickleCode = common.FromHex("6e346006575fff5b60005f5360015ff35f525f35600f601134f550602035602257005b5f5ffd")
)

// Fickles puts contracts at these addresses into the genesis that make contracts which
// stay or do not: see User.Flash.
func Fickles(at ...common.Address) func(*genesis.Genesis) {
	return func(g *genesis.Genesis) {
		for _, a := range at {
			g.Alloc[a] = types.Account{Code: fickleCode, Balance: new(big.Int), Nonce: 1}
		}
	}
}

// Flash signs the user's next transaction: a call of one of Fickles that makes a
// contract with a salt, which destroys itself unless it shall stay; and that reverts if
// it shall.
func (u *User) Flash(fickle common.Address, salt common.Hash, stay, revert bool) *types.Transaction {
	var fail common.Hash
	if revert {
		fail[31] = 1
	}
	value := new(big.Int)
	if stay {
		value.SetUint64(1)
	}
	return u.SignNext(&types.LegacyTx{To: &fickle, Gas: 1_000_000, GasPrice: new(big.Int), Value: value, Data: append(salt[:], fail[:]...)})
}

// Flashed is the address of the contract that one of Fickles makes with a salt.
func Flashed(fickle common.Address, salt common.Hash) common.Address {
	return crypto.CreateAddress2(fickle, salt, crypto.Keccak256(fickleInit))
}
