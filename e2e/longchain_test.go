package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

// longChainVariable makes the chain of TestExplorerLongChain longer or shorter: a
// million blocks are a matter of half an hour, which -long alone does not take.
const longChainVariable = "QUORATE_EXPLORER_BLOCKS"

// yearOfBlocks is the time that the chain goes back: more than the longest span of the
// statistics.
const yearOfBlocks = 400 * 24 * time.Hour

// mintEvery is in every how many blocks a token tells of a transfer, to a holder of its own.
const mintEvery = 10

// TestExplorerLongChain: a real node serves a chain that was written before it started,
// by one account with a transaction in every block, spread over more than a year; all
// pages show it rightly from both ends and in the middle.
func TestExplorerLongChain(t *testing.T) {
	full(t)
	browser := chromium(t)
	makeTarget(t, "web-budget") // with what the script needs; nothing is compiled here
	blocks := longChainBlocks(t)
	f := newFleetSince(t, 1, time.Now().Add(-yearOfBlocks))
	n := f.Validators[0]
	began := time.Now()
	c := openFixture(t, n,
		func(db *store.DB, s types.Signer) chain.Indexer { return index.NewAddresses(db, s) },
		func(db *store.DB, _ types.Signer) chain.Indexer { return index.NewTokens(db) })
	busy, token := c.users[0].Address, crypto.CreateAddress(c.users[1].Address, 0)
	last := (blocks + c.g.Params.EpochLength - 1) / c.g.Params.EpochLength * c.g.Params.EpochLength
	c.stepMs = uint64(yearOfBlocks.Milliseconds()) / (last + 1) // the last one is not in the future
	head := c.grow(blocks, c.everyday(token))
	t.Logf("%d blocks written in %s", head, ms(time.Since(began)))

	t.Logf("the node answers %s after its start", ms(n.restart()))
	carriesPages(t, n)
	// The account that the script uses is not the busy one: what that has is counted.
	f.Accounts[0], f.Accounts[2] = f.Accounts[2], f.Accounts[0]
	f.browse(t, browser, "longchain.mjs", 7, map[string]any{"head": head, "busy": busy, "token": token, "mintEvery": mintEvery})
}

func longChainBlocks(t *testing.T) uint64 {
	t.Helper()
	blocks := uint64(20_000)
	if *long {
		blocks *= 5
	}
	text := os.Getenv(longChainVariable)
	if text == "" {
		t.Logf("the chain has %d blocks; %s=1000000 makes it a million, which takes about half an hour", blocks, longChainVariable)
		return blocks
	}
	blocks, err := strconv.ParseUint(text, 10, 32)
	if err != nil || blocks < 1_000 {
		t.Fatalf("%s is %q: a number of blocks from 1,000 on is expected", longChainVariable, text)
	}
	return blocks
}

// everyday returns the transactions of each block: one payment, by always the same account,
// and now and then a token that the first block makes.
func (f *fixture) everyday(token common.Address) func(number uint64) []*types.Transaction {
	sink, mints := common.Address{0x5e}, uint64(0)
	return func(number uint64) []*types.Transaction {
		out := []*types.Transaction{f.signed(0, &types.LegacyTx{Nonce: number - 1, To: &sink, Value: common.Big1, Gas: params.TxGas})}
		switch {
		case number == 1:
			out = append(out, f.signed(1, &types.LegacyTx{Data: deployed(minting()), Gas: 200_000}))
		case number%mintEvery == 0:
			mints++
			out = append(out, f.signed(1, &types.LegacyTx{Nonce: mints, To: &token, Gas: 100_000}))
		}
		return out
	}
}

// minting is code that tells of a transfer of 1 from nobody to the number of the block.
//
//	PUSH1 1 PUSH0 MSTORE NUMBER PUSH0 PUSH32 topic PUSH1 32 PUSH0 LOG3 STOP
func minting() []byte {
	return slices.Concat(common.FromHex("60015f52435f7f"), crypto.Keccak256([]byte("Transfer(address,address,uint256)")), common.FromHex("60205fa300"))
}

// deployed is code that deploys code of up to 255 bytes.
//
//	PUSH1 length DUP1 PUSH1 9 PUSH0 CODECOPY PUSH0 RETURN
func deployed(code []byte) []byte {
	return append(common.FromHex(fmt.Sprintf("60%02x8060095f395ff3", len(code))), code...)
}
