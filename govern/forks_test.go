package govern

import (
	"errors"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/keys"
)

// TestForkNames: what can be scheduled has a name that the contract can hold.
func TestForkNames(t *testing.T) {
	for _, name := range []string{"amsterdam", "x", strings.Repeat("a", 32)} {
		call, err := SetFork(name, 7)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := call.fork(); !ok || got != name {
			t.Errorf("%q is scheduled as %q, %v", name, got, ok)
		}
	}
	for _, bad := range []string{"", strings.Repeat("a", 33), "two words", "für", "new\nline"} {
		if _, err := SetFork(bad, 7); err == nil {
			t.Errorf("%q is a name", bad)
		}
	}
	off, err := SetFork("amsterdam", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := off.fork(); ok {
		t.Error("to take a fork off schedules one")
	}
	other, err := SetParameter(contracts.BlockGasLimit, 1<<25)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := other.fork(); ok {
		t.Error("a gas limit schedules a fork")
	}
}

// TestBadFork: nothing that this build does not know is proposed or voted for, and nothing
// that holds already; both say why. To object, and to take one off, is free.
func TestBadFork(t *testing.T) {
	c := &Client{} // nothing is asked of a node
	schedule := func(name string, time uint64) error {
		t.Helper()
		call, err := SetFork(name, time)
		if err != nil {
			t.Fatal(err)
		}
		return c.checkFork(t.Context(), call)
	}
	var bad *BadFork
	if err := schedule("amsterdam", 9); !errors.As(err, &bad) {
		t.Fatalf("an unknown fork: %v", err)
	}
	for _, want := range []string{`"amsterdam"`, "not known to this version", "shanghai, cancun, prague, osaka", "stops at it", "install a version"} {
		if !strings.Contains(bad.Error(), want) {
			t.Errorf("%q is missing in: %v", want, bad)
		}
	}
	if err := schedule("amsterdam", 0); err != nil {
		t.Errorf("to take it off: %v", err)
	}
	held := &BadFork{Name: "osaka", Known: []string{"prague", "osaka"}, Whose: "this version"}
	if text := held.Error(); !strings.Contains(text, "from block 0 on") || !strings.Contains(text, "nothing to schedule") {
		t.Error(text)
	}
	elsewhere := &BadFork{Name: "osaka", Known: []string{"prague"}, Whose: "the version of the asked node"}
	if text := elsewhere.Error(); !strings.Contains(text, `"osaka" is not known to the version of the asked node, which knows prague`) {
		t.Error(text)
	}
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	j := &job{c: c, s: keys.NewFileSigner(key)}
	if j.decided, err = SetFork("amsterdam", 9); err != nil {
		t.Fatal(err)
	}
	if err := j.check(t.Context()); !errors.As(err, &bad) {
		t.Errorf("a vote for an unknown fork: %v", err)
	}
	if j.against = true; j.check(t.Context()) != nil {
		t.Error("nobody may object to an unknown fork")
	}
}
