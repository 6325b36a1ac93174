package eth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	begin "github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/rpc"
)

// TestBeganWithASnapshot: a node whose chain begins at a snapshot serves what it has,
// and says of the rest that it is not here, instead of "null" or an empty list.
func TestBeganWithASnapshot(t *testing.T) {
	emitter := common.Address{0x70}
	net := chaintest.New(1, 1, func(g *begin.Genesis) { g.Params.EpochLength = 10 }, chaintest.Loggers(emitter))
	source := net.Node(t)
	for range 10 {
		if _, err := net.Append(source.Chain, net.Users[0].Log(emitter, common.Hash{1})); err != nil {
			t.Fatal(err)
		}
	}
	d, err := source.Chain.CheckpointData(consensus.Epoch(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Chain.SetCheckpoint(net.CertifyCheckpoint(d)); err != nil {
		t.Fatal(err)
	}
	c := newOurChainOn(t, net)
	if err := chaintest.Begin(source, c.Node); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := net.Append(c.Chain, net.Users[0].Log(emitter, common.Hash{1})); err != nil {
			t.Fatal(err)
		}
	}
	old, err := source.Chain.Block(5)
	if err != nil {
		t.Fatal(err)
	}
	hash := source.Chain.GetHash(5)
	for _, q := range []struct{ method, params, want string }{
		{"eth_getBlockByNumber", `["0x5", false]`, "pruned"},
		{"eth_getBlockByNumber", `["0x0", false]`, `"number":"0x0"`},
		{"eth_getBlockByNumber", `["0xa", true]`, `"number":"0xa"`},
		{"eth_getBlockByNumber", `["latest", true]`, `"number":"0xd"`},
		{"eth_getBlockByHash", fmt.Sprintf(`[%q, false]`, hash), "pruned"},
		{"eth_getHeaderByNumber", `["0x5"]`, `"number":"0x5"`}, // BLOCKHASH needs it
		{"eth_getBlockReceipts", `["0x5"]`, "pruned"},
		{"eth_getBlockReceipts", `["0xa"]`, `"blockNumber":"0xa"`},
		{"eth_getTransactionReceipt", fmt.Sprintf(`[%q]`, old.Transactions()[0].Hash()), "null"},
		{"eth_getLogs", `[{"fromBlock":"0x0","toBlock":"latest"}]`, "pruned"},
		{"eth_getLogs", `[{"fromBlock":"0x9","toBlock":"0xb"}]`, "pruned"},
		{"eth_getLogs", `[{"fromBlock":"0xa","toBlock":"latest"}]`, `"blockNumber":"0xd"`},
		{"eth_getBalance", fmt.Sprintf(`[%q, "0x5"]`, emitter), "historical state"},
		{"eth_getBalance", fmt.Sprintf(`[%q, "0xa"]`, emitter), `"0x0"`},
		{"eth_feeHistory", `["0xa", "latest", [50]]`, `"oldestBlock":"0xa"`},
		{"eth_capabilities", `[]`, `"blocks":{"disabled":false,"oldestBlock":"0xa"}`},
	} {
		a := c.call(t, q.method, q.params)
		if q.want == "pruned" {
			if a.Error == nil || a.Error.Code != rpc.CodePruned || !strings.HasPrefix(a.Error.Message, "pruned history unavailable: ") {
				t.Errorf("%s %s: %s, %+v", q.method, q.params, a.Result, a.Error)
			}
			continue
		}
		text := string(a.Result)
		if a.Error != nil {
			text = a.Error.Message
		}
		if !strings.Contains(text, q.want) {
			t.Errorf("%s %s: %s, want %s", q.method, q.params, text, q.want)
		}
	}
}
