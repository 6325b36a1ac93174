package pbft

import (
	"encoding/json"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/recovery"
)

// TestRecoveries: an empty list of a network that never needed one; else what the
// documents say.
func TestRecoveries(t *testing.T) {
	n := newNetwork(t)
	ask := func() (out []Recovery) {
		t.Helper()
		answer := n.call(t, `{"jsonrpc":"2.0","id":1,"method":"pbft_recoveries","params":[]}`)
		if err := json.Unmarshal(answer["result"], &out); err != nil || out == nil {
			t.Fatalf("%s: %v", answer["result"], err)
		}
		return out
	}
	if got := ask(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	n.recoveries = []chain.Recovery{{
		Document: &recovery.Document{
			Ends: 3, Number: 17, BlockHash: common.Hash{9}, Signatures: []recovery.Signature{{By: common.Address{7}}},
			Members: []recovery.Member{{Address: common.Address{1}, NodeID: []byte{0, 1}, Name: "a", Endpoint: "10.0.0.1:1"}},
		}, Digest: common.Hash{8}, Waiting: true,
	}}
	got := ask()[0]
	if got.Digest != (common.Hash{8}) || got.Ends != 3 || got.Number != 17 || !got.Waiting || got.Signers[0] != (common.Address{7}) ||
		got.Validators[0].Name != "a" || got.Validators[0].Endpoint != "10.0.0.1:1" || got.Validators[0].NodeID == "" {
		t.Errorf("got %+v", got)
	}
}
