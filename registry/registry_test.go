package registry

import (
	"os"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/genesis"
)

func TestRegistry(t *testing.T) {
	doc, err := os.ReadFile("../genesis/testdata/genesis.json")
	if err != nil {
		t.Fatal(err)
	}
	g, err := genesis.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	g.Validators[2].Name = ""
	g.Permissions.Observers[0].Name = ""
	r := New(g)
	members := r.Members()
	if len(members) != 5 {
		t.Fatalf("%d members", len(members))
	}
	set := r.ValidatorSet(3)
	for i, m := range members[:4] {
		if m.Validator != set.Address(i) || m.Observer || len(m.Addresses) != 1 || m.Addresses[0][:15] != "/ip4/127.0.0.1/" {
			t.Errorf("member %d: %+v", i, m)
		}
		if m.Name == "" || m.Name != "validator-0" && m.Name != "validator-1" && m.Name != "validator-3" && m.Name != m.Validator.Hex() {
			t.Errorf("member %d has the name %q", i, m.Name)
		}
		if got, ok := r.ByNode(m.NodeID); !ok || got.Validator != m.Validator {
			t.Errorf("ByNode(%s) = %+v", m.NodeID, got)
		}
	}
	if o := members[4]; !o.Observer || o.Validator != (common.Address{}) || o.Name != o.NodeID {
		t.Errorf("observer %+v", o)
	}
	if _, ok := r.ByNode("stranger"); ok {
		t.Error("a stranger is a member")
	}
	if r.Params() != g.Params {
		t.Error("the parameters differ from genesis")
	}
}
