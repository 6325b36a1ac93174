package index_test

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/index"
)

// TestLargeBlock: a block of 5,000 transactions by one sender is one row of his, and
// all of them are found.
func TestLargeBlock(t *testing.T) {
	n := chaintest.New(1, 1, func(g *genesis.Genesis) { g.Params.BlockGasLimit = 150_000_000 })
	x := explore(t, n, nil, true)
	defer x.DB.Close()
	const count = 5000
	txs := make([]*types.Transaction, count)
	for i := range txs {
		txs[i] = n.Users[0].Transfer(common.Address{9, byte(i % 2)}, 1)
	}
	must[*types.Header](t)(n.Append(x.Chain, txs...))
	if b := must[*types.Block](t)(x.Chain.Block(1)); len(b.Transactions()) != count {
		t.Fatalf("the block has %d transactions", len(b.Transactions()))
	}
	newScan(t, x.Chain, n).compare(t, t, x)
	got, more, err := x.addresses.Transactions(n.Users[0].Address, index.Place{Number: 1, Index: 4000}, 1, 100)
	fatal(t, err)
	if len(got) != 100 || !more || got[0] != (index.Place{Number: 1, Index: 3999}) || got[99] != (index.Place{Number: 1, Index: 3900}) {
		t.Errorf("a page in the middle: %d places from %v, more %v", len(got), got[0], more)
	}
	const perRow = 50
	if rows := len(dump(t, x.DB)); rows > perRow {
		t.Errorf("%d rows of one block with three addresses", rows)
	}
}

// TestCountEnds: who has transactions in more blocks than are counted is told a number
// that is not all of them; in as many blocks the number is right.
func TestCountEnds(t *testing.T) {
	n := explorerNetwork()
	x := explore(t, n, nil, false)
	defer x.DB.Close()
	u := n.Users[0]
	txs := []*types.Transaction{u.Transfer(u.Address, 1), u.Transfer(common.Address{9}, 1)}
	blocks := func(from, to uint64) {
		b := x.DB.NewBatch()
		for number := from; number <= to; number++ {
			block := types.NewBlockWithHeader(&types.Header{Number: new(big.Int).SetUint64(number)}).WithBody(types.Body{Transactions: txs})
			fatal(t, x.addresses.Begin(b, &index.Final{Block: block, Receipts: types.Receipts{{}, {}}}))
		}
		fatal(t, errors.Join(x.DB.Apply(b, false), b.Close()))
	}
	for _, c := range []struct {
		head  uint64
		exact bool
	}{{index.CountedBlocks, true}, {index.CountedBlocks + 1, false}} {
		blocks(1, c.head)
		for a, each := range map[common.Address]uint64{u.Address: 2, {9}: 1} {
			if got, exact, err := x.addresses.Count(a, c.head); got != each*index.CountedBlocks || exact != c.exact || err != nil {
				t.Errorf("%v in %d blocks: %d, exact %v, %v", a, c.head, got, exact, err)
			}
		}
		if got, exact, err := x.addresses.Count(u.Address, 3); got != 6 || !exact || err != nil { // rows above the head
			t.Errorf("up to block 3: %d, exact %v, %v", got, exact, err)
		}
	}
}

// loggerLoop logs a Transfer of one token from nobody to the caller as often as the
// first word of the call data says, and the number of the round as value.
//
//	PUSH0 CALLDATALOAD JUMPDEST · DUP1 PUSH0 MSTORE · CALLER PUSH0 PUSH32 topic PUSH1 32 PUSH0 LOG3 ·
//	PUSH1 1 SWAP1 SUB DUP1 PUSH1 2 JUMPI STOP
func loggerLoop() []byte {
	return slices.Concat(common.FromHex("5f355b805f52335f7f"), transferTopic[:], common.FromHex("60205fa36001900380600257"), []byte{0})
}

// TestManyLogs: 10,000 events in one transaction are one row of their token and one of
// each party.
func TestManyLogs(t *testing.T) {
	loud := common.Address{0x31}
	n := chaintest.New(1, 1, func(g *genesis.Genesis) {
		g.Params.BlockGasLimit = 100_000_000
		g.Alloc[loud] = types.Account{Code: loggerLoop(), Balance: new(big.Int)}
	})
	x := explore(t, n, nil, true)
	defer x.DB.Close()
	const count = 10_000
	for range 2 { // a transaction's gas is bounded
		call := &types.LegacyTx{To: &loud, Gas: 16_000_000, GasPrice: new(big.Int), Data: number(count / 2)}
		must[*types.Header](t)(n.Append(x.Chain, n.Users[0].SignNext(call), n.Users[0].Transfer(loud, 0)))
	}
	u := n.Users[0].Address
	if got := allTransfers(t, x, &loud, &u, 2); len(got) != count {
		t.Fatalf("%d transfers", len(got))
	}
	token := must[*index.Token](t)(x.tokens.Token(loud))
	if token == nil || token.Transfers != count || token.Holders != 1 {
		t.Fatalf("token %+v", token)
	}
	const half = count / 2
	list, _, err := x.tokens.Holders(loud, nil, 2)
	fatal(t, err)
	if len(list) != 1 || list[0].Balance.Uint64() != 2*half*(half+1)/2 {
		t.Fatalf("holders %+v", list)
	}
	newScan(t, x.Chain, n).compare(t, t, x)
}

// TestEqualHolders: more holders of one balance than are sorted at once are all
// listed, once, in pages of any size.
func TestEqualHolders(t *testing.T) {
	n := explorerNetwork()
	x := explore(t, n, nil, true)
	defer x.DB.Close()
	const count = 25_000
	b := x.DB.NewBatch()
	token := tokenContracts[3]
	logs := make([]*types.Log, count)
	for i := range logs {
		value := uint64(1000)
		if i%1000 == 0 {
			value = 1001 // of the same rank
		}
		logs[i] = &types.Log{Address: token, Topics: []common.Hash{transferTopic, {}, account(i)}, Data: number(value)}
	}
	block := types.NewBlockWithHeader(&types.Header{Number: big.NewInt(1)})
	fatal(t, x.tokens.Stage(b, &index.Final{Block: block, Receipts: types.Receipts{{Logs: logs}}}))
	fatal(t, x.DB.Apply(b, false))
	for _, size := range []int{100, 4999, 10_000} {
		seen := map[common.Address]bool{}
		for at, more := []byte(nil), true; more; more = at != nil {
			list, next, err := x.tokens.Holders(token, at, size)
			fatal(t, err)
			at = next
			if want := uint256.NewInt(1001); len(seen) == 0 && list[0].Balance != *want {
				t.Errorf("the first holder has %s", list[0].Balance.Dec())
			}
			for i := range list {
				if seen[list[i].Holder] {
					t.Fatalf("%v twice", list[i].Holder)
				}
				seen[list[i].Holder] = true
			}
		}
		if len(seen) != count {
			t.Errorf("pages of %d list %d holders, want %d", size, len(seen), count)
		}
	}
}

// TestBadCursor: what is no cursor is an error, never a page.
func TestBadCursor(t *testing.T) {
	n := explorerNetwork()
	x := explore(t, n, nil, true)
	defer x.DB.Close()
	must[*types.Header](t)(n.Append(x.Chain, n.Users[0].Emit(tokenContracts[0], number(1), transferTopic, common.Hash{}, word(common.Address{1}))))
	for _, cursor := range [][]byte{{}, {1}, make([]byte, 41), make([]byte, 75)} {
		if _, _, err := x.tokens.Holders(tokenContracts[0], cursor, 1); !errors.Is(err, index.ErrCursor) {
			t.Errorf("cursor of %d bytes: %v", len(cursor), err)
		}
	}
}

// TestDroppedBatch: what was staged and not applied is not remembered.
func TestDroppedBatch(t *testing.T) {
	n := explorerNetwork()
	x := explore(t, n, nil, true)
	defer x.DB.Close()
	u, to := n.Users[0], word(common.Address{0xa1})
	must[*types.Header](t)(n.Append(x.Chain, u.Emit(tokenContracts[0], number(5), transferTopic, common.Hash{}, to)))
	nonce := u.Nonce
	drop := func(value uint64) {
		txs := []*types.Transaction{u.Emit(tokenContracts[0], number(value), transferTopic, common.Hash{}, to)}
		batch := n.Batch(x.Chain.Head(), txs)
		must[*types.Header](t)(x.Chain.Execute(ctx, batch, x.Chain.Head().Hash(), txs))
		block := types.NewBlockWithHeader(&types.Header{Number: big.NewInt(2)})
		b := x.DB.NewBatch()
		log := &types.Log{Address: tokenContracts[0], Topics: []common.Hash{transferTopic, {}, to}, Data: number(value)}
		fatal(t, errors.Join(x.tokens.Stage(b, &index.Final{Block: block, Receipts: types.Receipts{{Logs: []*types.Log{log}}}}), b.Close()))
		x.Chain.Rollback(1)
		u.Nonce = nonce
	}
	drop(100)
	drop(200)
	must[*types.Header](t)(n.Append(x.Chain, u.Emit(tokenContracts[0], number(1), transferTopic, common.Hash{}, to)))
	must[*types.Header](t)(n.Append(x.Chain, u.Emit(tokenContracts[0], number(2), transferTopic, common.Hash{}, to)))
	newScan(t, x.Chain, n).compare(t, t, x)
}

// TestFromSnapshot: on a chain that began with a snapshot the indexes begin with its
// block, whether they were on then or are built later.
func TestFromSnapshot(t *testing.T) {
	const epoch = 16
	n := chaintest.New(4, 4, chaintest.Emitters(tokenContracts...), chaintest.Factories(factory), func(g *genesis.Genesis) { g.Params.EpochLength, g.Params.PipelineDepth = epoch, 4 })
	source := explore(t, n, nil, true)
	defer source.DB.Close()
	u := n.Users[0]
	block := func(to *chain.Chain) {
		must[*types.Header](t)(n.Append(to, u.Transfer(common.Address{9}, 1), u.Emit(tokenContracts[0], number(7), transferTopic, common.Hash{}, word(u.Address))))
	}
	for range epoch {
		block(source.Chain)
	}
	d := must[chain.CheckpointData](t)(source.Chain.CheckpointData(0))
	fatal(t, source.Chain.SetCheckpoint(n.CertifyCheckpoint(d)))
	on, off := explore(t, n, nil, true), explore(t, n, nil, false)
	defer on.DB.Close()
	defer off.DB.Close()
	for _, x := range []*explorer{on, off} {
		fatal(t, chaintest.Begin(source.Node, x.Node))
	}
	block(source.Chain)
	raw := must[[]byte](t)(source.Chain.EncodedBlock(epoch + 1))
	for _, x := range []*explorer{on, off} {
		fatal(t, x.Chain.Import(ctx, must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))))
	}
	off.catchUp(t, epoch+1)
	for name, x := range map[string]*explorer{"on": on, "built": off} {
		places, more, err := x.addresses.Transactions(u.Address, index.Newest, epoch+1, 100)
		fatal(t, err)
		if len(places) != 4 || more || places[3] != (index.Place{Number: epoch, Index: 0}) {
			t.Errorf("%s: transactions %v, more %v", name, places, more)
		}
		if token := must[*index.Token](t)(x.tokens.Token(tokenContracts[0])); token == nil || token.Transfers != 2 || token.First != epoch {
			t.Errorf("%s: token %+v", name, token)
		}
	}
	if a, b := dump(t, on.DB), dump(t, off.DB); !slices.EqualFunc(a, b, slices.Equal[[]byte]) {
		t.Error("who was on and who was built later hold other rows")
	}
}

// TestSwitchedOff: an index that was off for some blocks goes on from where it ended.
func TestSwitchedOff(t *testing.T) {
	n, fs := explorerNetwork(), vfs.NewMem()
	u := n.Users[0]
	for _, on := range []bool{true, false, true} {
		x := explore(t, n, fs, on)
		if on {
			x.catchUp(t, x.Chain.Head().Number.Uint64())
		}
		for range 3 {
			must[*types.Header](t)(n.Append(x.Chain, u.Emit(tokenContracts[0], number(7), transferTopic, common.Hash{}, word(u.Address))))
		}
		if on {
			newScan(t, x.Chain, n).compare(t, t, x)
		}
		fatal(t, x.DB.Close())
	}
}

// TestBatchMustBePaid: events that tell of more transfers than a token could have made
// with the gas of the transaction are told as logs only; two that share it, too.
func TestBatchMustBePaid(t *testing.T) {
	batch := func(n int) *types.Log {
		data := slices.Concat(number(64), number(uint64(96+32*n)), number(uint64(n)))
		for i := range n {
			data = append(data, number(uint64(i))...)
		}
		data = append(data, number(uint64(n))...)
		for range n {
			data = append(data, number(1)...)
		}
		return &types.Log{Address: tokenContracts[0], Topics: []common.Hash{batchTopic, {}, {}, word(common.Address{0xa1})}, Data: data}
	}
	single := &types.Log{Address: tokenContracts[0], Topics: []common.Hash{singleTopic, {}, {}, word(common.Address{0xa1})}, Data: append(number(7), number(1)...)}
	for _, row := range []struct {
		gas  uint64
		logs []*types.Log
		want uint64
	}{
		{200_000, []*types.Log{batch(100)}, 100},
		{199_999, []*types.Log{batch(100)}, 0},
		{200_000, []*types.Log{batch(60), batch(60), batch(40)}, 100},
		{200_000, []*types.Log{batch(101), batch(100)}, 100},
		{0, []*types.Log{single, single, batch(1), batch(2)}, 3},
	} {
		block := types.NewBlockWithHeader(&types.Header{Number: big.NewInt(1)})
		db := explore(t, explorerNetwork(), nil, false).DB
		defer db.Close()
		x, b := index.NewTokens(db), db.NewBatch()
		fatal(t, x.Stage(b, &index.Final{Block: block, Receipts: types.Receipts{{GasUsed: row.gas, Logs: row.logs}}}))
		fatal(t, errors.Join(db.Apply(b, true), b.Close()))
		got := uint64(0)
		if token := must[*index.Token](t)(x.Token(tokenContracts[0])); token != nil {
			got = token.Transfers
		}
		if got != row.want {
			t.Errorf("gas %d: %d transfers, want %d", row.gas, got, row.want)
		}
	}
}
