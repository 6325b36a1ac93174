package genesis

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// recoverable is a valid genesis with three recovery keys.
func recoverable(t *testing.T) *Genesis {
	g := Default()
	g.ChainID = 5
	g.Validators = []Validator{testValidator(t, 1), testValidator(t, 2)}
	for i := range byte(3) {
		g.Recovery.Keys = append(g.Recovery.Keys, crypto.PubkeyToAddress(testKey(t, 50+i).PublicKey))
	}
	g.Recovery.Threshold = 2
	if err := g.Complete(); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestRecoverySection: it is written, read back and part of the hash in whatever
// order the keys stand; without it the document is what it was before there was one.
func TestRecoverySection(t *testing.T) {
	g := recoverable(t)
	back, err := Parse(g.Encode())
	if err != nil || !slices.Equal(back.Recovery.Keys, g.Recovery.Keys) || back.Recovery.Threshold != 2 || back.Hash() != g.Hash() {
		t.Fatalf("%+v, %v", back, err)
	}
	hash := g.Hash()
	slices.Reverse(g.Recovery.Keys)
	if g.Hash() != hash {
		t.Error("the order of the keys is part of the hash")
	}
	g.Recovery.Threshold = 3
	if g.Hash() == hash {
		t.Error("the threshold is not part of the hash")
	}
	g.Recovery = Recovery{}
	if g.Hash() == hash || bytes.Contains(g.Canonical(), []byte("recovery")) || g.Recovery.Allowed() {
		t.Errorf("without keys: %s", g.Canonical())
	}
}

func TestRecoveryFaults(t *testing.T) {
	for _, row := range []struct {
		change func(*Recovery, *Genesis)
		want   string
	}{
		{func(r *Recovery, _ *Genesis) { r.Threshold = 1 }, "recovery.threshold: 1 is outside 2 … 3"},
		{func(r *Recovery, _ *Genesis) { r.Threshold = 4 }, "recovery.threshold: 4 is outside 2 … 3"},
		{func(r *Recovery, _ *Genesis) { r.Keys = r.Keys[:2]; r.Threshold = 1 }, "recovery.threshold: 1 is outside 2 … 2"},
		{func(r *Recovery, _ *Genesis) { r.Keys = nil }, "recovery.keys: is empty"},
		{func(r *Recovery, _ *Genesis) { r.Keys[2] = r.Keys[0] }, "stands already at recovery.keys[0]"},
		{func(r *Recovery, _ *Genesis) { r.Keys[1] = common.Address{} }, "recovery.keys[1]: the zero address"},
		{func(r *Recovery, g *Genesis) { r.Keys[1] = g.Validators[0].Address }, "is a validator's key"},
		{func(r *Recovery, _ *Genesis) {
			for i := range byte(MaxRecoveryKeys) {
				r.Keys = append(r.Keys, common.Address{1, i})
			}
			r.Threshold = 20
		}, "35 of them: at most 32"},
	} {
		g := recoverable(t)
		row.change(&g.Recovery, g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
		}
	}
	doc := bytes.Replace(recoverable(t).Encode(), []byte(`"threshold": 2`), []byte(`"treshold": 2`), 1)
	if _, err := Parse(doc); err == nil || !strings.Contains(err.Error(), `did you mean "threshold"`) || !strings.Contains(err.Error(), "recovery.threshold: is missing") {
		t.Errorf("a misspelt key: %v", err)
	}
}
