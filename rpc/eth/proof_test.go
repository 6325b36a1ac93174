package eth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/state"
)

// shownProof is eth_getProof's answer, read as a client reads it.
type shownProof struct {
	AccountProof []hexutil.Bytes
	Balance      *hexutil.Big
	CodeHash     common.Hash
	Nonce        hexutil.Uint64
	StorageHash  common.Hash
	StorageProof []struct {
		Key   string
		Value *hexutil.Big
		Proof []hexutil.Bytes
	}
}

// proven returns what nodes prove about a key below a root.
func proven(t *testing.T, root common.Hash, key []byte, nodes []hexutil.Bytes) []byte {
	t.Helper()
	db := memorydb.New()
	for _, n := range nodes {
		if err := db.Put(crypto.Keccak256(n), n); err != nil {
			t.Fatal(err)
		}
	}
	value, err := trie.VerifyProof(root, crypto.Keccak256(key), db)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// check verifies an answer against the state root of a header, and nothing else.
func (p *shownProof) check(t *testing.T, root common.Hash, addr common.Address) {
	t.Helper()
	var want []byte
	if p.CodeHash != (common.Hash{}) {
		var err error
		want, err = rlp.EncodeToBytes(&types.StateAccount{Nonce: uint64(p.Nonce), Balance: uint256.MustFromBig(p.Balance.ToInt()), Root: p.StorageHash, CodeHash: p.CodeHash[:]})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := proven(t, root, addr[:], p.AccountProof); !bytes.Equal(got, want) {
		t.Errorf("the nodes prove account %x, the answer says %x", got, want)
	}
	for _, s := range p.StorageProof {
		if len(s.Proof) == 0 && (p.StorageHash == types.EmptyRootHash || p.StorageHash == (common.Hash{})) && s.Value.ToInt().Sign() == 0 {
			continue // nothing is stored: the empty root is the proof
		}
		number, ok := new(big.Int).SetString(strings.TrimPrefix(s.Key, "0x"), 16)
		if !ok {
			t.Fatalf("key %q", s.Key)
		}
		key := common.BigToHash(number)
		var want []byte
		if s.Value.ToInt().Sign() > 0 {
			want, _ = rlp.EncodeToBytes(s.Value.ToInt())
		}
		if got := proven(t, p.StorageHash, key[:], s.Proof); !bytes.Equal(got, want) {
			t.Errorf("slot %s: the nodes prove %x, the answer says %x", s.Key, got, want)
		}
	}
}

// setter stores word 1 of its input in the slot of word 0.
const setter = "602035600035550000"

// TestProofsOfOurChain: at every block that is kept, proofs hold against the
// state root that the block's header shows; others are refused in geth's words.
func TestProofsOfOurChain(t *testing.T) {
	for _, archive := range []bool{false, true} {
		t.Run(fmt.Sprint("archive ", archive), func(t *testing.T) { proveOurChain(t, archive) })
	}
}

func proveOurChain(t *testing.T, archive bool) {
	const blocks, kept = 40, 10
	c := newOurChain(t, 2, func(cfg *state.Config, _ *rpc.Limits) { cfg.History, cfg.Proofs = kept, archive })
	u := c.net.Users[0]
	code := common.FromHex(setter)
	c.submit(t, u.SignNext(&types.LegacyTx{Gas: 200_000, GasPrice: new(big.Int), Data: append(common.FromHex(fmt.Sprintf("0x60%02x600a5f3960%02x5ff3", len(code), len(code))), code...)}))
	c.seal(t)
	contract := crypto.CreateAddress(u.Address, 0)
	for n := int64(2); n <= blocks; n++ {
		c.submit(t, u.SignNext(&types.LegacyTx{To: &contract, Gas: 100_000, GasPrice: new(big.Int), Data: append(topicBytes(n%7), topicBytes(n*n%5)...)}))
		c.seal(t)
	}
	for n := range blocks + 1 {
		header, err := c.Chain.Header(uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		for _, addr := range []common.Address{contract, u.Address, poor} {
			a := c.call(t, "eth_getProof", fmt.Sprintf(`["%s",["0x0","0x1","0x02","%s","0x99"],"0x%x"]`, addr, common.Hash{31: 3}, n))
			oldest := map[bool]int{true: blocks - kept, false: blocks}[archive]
			if n >= oldest {
				if a.Error != nil {
					t.Fatalf("block %d: %s", n, a.Error.Message)
				}
				var p shownProof
				if err := json.Unmarshal(a.Result, &p); err != nil || len(p.StorageProof) != 5 || p.StorageProof[2].Key != "0x2" || len(p.StorageProof[3].Key) != 66 {
					t.Fatalf("%v in %s", err, a.Result)
				}
				p.check(t, header.Root, addr)
				continue
			}
			want := fmt.Sprintf("historical state %x is not available: ", header.Root)
			if n < blocks-kept {
				want += fmt.Sprintf("the state of block %d is pruned, the oldest kept is that of block %d", n, blocks-kept)
			} else {
				want += fmt.Sprintf("proofs of block %d are not kept, only of block %d and later", n, oldest)
			}
			if a.Error == nil || a.Error.Code != -32000 || a.Error.Message != want {
				t.Fatalf("block %d: %+v\nwant %s", n, a.Error, want)
			}
		}
	}
}

// topicBytes is a word of call data.
func topicBytes(n int64) []byte { return common.BigToHash(big.NewInt(n)).Bytes() }

// TestProofsOfGethsChain: the same handler over go-ethereum's hashdb.
func TestProofsOfGethsChain(t *testing.T) {
	n := testNode(t, 5, rpc.DefaultLimits())
	for number := range uint64(6) {
		for _, addr := range []common.Address{rich, poor, storer, {0x99}} {
			a := n.call(t, "eth_getProof", fmt.Sprintf(`["%s",["0x0","0x5"],"0x%x"]`, addr, number))
			var p shownProof
			if a.Error != nil || json.Unmarshal(a.Result, &p) != nil {
				t.Fatalf("%+v %s", a.Error, a.Result)
			}
			p.check(t, n.chain.GetHeaderByNumber(number).Root, addr)
		}
	}
	a := n.call(t, "eth_getProof", fmt.Sprintf(`["%s",[]]`, storer))
	if keys := decodeObject(t, a.Result); len(keys) != 7 || fmt.Sprint(keys["storageProof"]) != "[]" {
		t.Errorf("members %v", keys)
	}
}

// TestPrunedState: what every method that reads a state says beyond what is kept.
func TestPrunedState(t *testing.T) {
	c := newOurChain(t, 1, func(cfg *state.Config, _ *rpc.Limits) { cfg.History = 4 })
	for range 40 {
		c.submit(t, c.net.Users[0].Transfer(poor, 1))
		c.seal(t)
	}
	genesis, err := c.Chain.Header(3)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("historical state %x is not available: the state of block 3 is pruned, the oldest kept is that of block 36", genesis.Root)
	for method, params := range map[string]string{
		"eth_getBalance": `"%s"`, "eth_getCode": `"%s"`, "eth_getTransactionCount": `"%s"`, "eth_getStorageAt": `"%s","0x0"`, "eth_getProof": `"%s",[]`,
		"eth_call": `{"to":"%s"}`, "eth_estimateGas": `{"to":"%s"}`, "eth_createAccessList": `{"to":"%s"}`, "eth_getAccountInfo": `"%s"`, "eth_getStorageValues": `{"%s":["` + common.Hash{}.Hex() + `"]}`,
	} {
		params := fmt.Sprintf(params, poor)
		if a := c.call(t, method, "["+params+`,"0x3"]`); a.Error == nil || a.Error.Message != want || a.Error.Code != -32000 {
			t.Errorf("%s: %+v %s", method, a.Error, a.Result)
		}
		if a := c.call(t, method, "["+params+`,{"blockHash":"`+genesis.Hash().Hex()+`"}]`); a.Error == nil || a.Error.Message != want {
			t.Errorf("%s by hash: %+v %s", method, a.Error, a.Result)
		}
		if a := c.call(t, method, "["+params+`,"0x24"]`); method != "eth_getProof" && a.Error != nil {
			t.Errorf("%s at the oldest block: %+v", method, a.Error)
		}
	}
	got := string(c.call(t, "eth_capabilities", `[]`).Result)
	shown := `{"head":{"number":"0x28","hash":"` + c.Chain.Head().Hash().Hex() + `"},` +
		`"state":{"disabled":false,"oldestBlock":"0x24","deleteStrategy":{"type":"window","retentionBlocks":"0x5"}},` +
		`"tx":{"disabled":false,"oldestBlock":"0x0"},"logs":{"disabled":false,"oldestBlock":"0x0"},"receipts":{"disabled":false,"oldestBlock":"0x0"},"blocks":{"disabled":false,"oldestBlock":"0x0"},` +
		`"stateproofs":{"disabled":false,"oldestBlock":"0x28","deleteStrategy":{"type":"window","retentionBlocks":"0x1"}}}`
	if got != shown {
		t.Errorf("capabilities\n got %s\nwant %s", got, shown)
	}
}
