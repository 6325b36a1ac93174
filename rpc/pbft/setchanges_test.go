package pbft

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
)

// TestSetChanges: the changes up to the epoch of a block, whether or not a transaction is
// in it; a list where there are none, an error where nobody knows yet.
func TestSetChanges(t *testing.T) {
	n := newNetwork(t)
	changes := func(params string) string {
		a := n.call(t, request("setChanges", params))
		if a["error"] != nil {
			t.Fatalf("%s: %s", params, a["error"])
		}
		return string(a["result"])
	}
	for params, want := range map[string]string{"1": "[]", `"latest"`: "[]", "0": "[]"} {
		if got := changes(params); got != want {
			t.Errorf("of block %s: %s, want %s", params, got, want)
		}
	}
	if a := n.call(t, request("setChanges", "3")); !strings.Contains(string(a["error"]), "has not begun: the head is block 1") {
		t.Errorf("of a block to come: %s%s", a["result"], a["error"])
	}
	certificate := &consensus.CheckpointCertificate{Epoch: 0, Seq: 1, Signers: n.sealed.Certificate.Signers, Signatures: n.sealed.Certificate.Signatures}
	rules, err := n.Epoch(1)
	if err != nil {
		t.Fatal(err)
	}
	n.links = map[consensus.Epoch][]light.Link{0: {light.NewLink(certificate, rules)}}
	var got []light.Link
	if err := json.Unmarshal([]byte(changes("1")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Number != 1 || len(got[0].Validators) != 4 || len(got[0].Signatures) != 3 {
		t.Errorf("%+v", got)
	}
}
