package node

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/registry"
)

// TestTooOld: whoever writes the chain and comes to a block under unknown rules, the engine
// or block sync, however often, ends the node once, with the version in the words.
func TestTooOld(t *testing.T) {
	l := &ledger{barred: make(chan error, 1)}
	other := errors.New("another fault")
	if err := l.noted(other); !errors.Is(err, other) || errors.Is(err, ErrTooOld) || len(l.barred) != 0 {
		t.Errorf("%v ends the node", err)
	}
	if err := l.noted(nil); err != nil {
		t.Error(err)
	}
	fork := fmt.Errorf("importing: %w", &chain.UnknownFork{Fork: registry.Fork{Name: "amsterdam", Time: 7}, First: 129, Number: 129})
	for range 3 {
		if err := l.noted(fork); !errors.Is(err, ErrTooOld) || strings.Count(err.Error(), ErrTooOld.Error()) != 1 || !strings.Contains(err.Error(), "it is "+Version) {
			t.Errorf("says %v", err)
		}
	}
	var stop *chain.UnknownFork
	if err := <-l.barred; !errors.As(err, &stop) || stop.Name != "amsterdam" {
		t.Errorf("the node is told %v", err)
	}
	if twice := tooOld(tooOld(fork)); strings.Count(twice.Error(), ErrTooOld.Error()) != 1 {
		t.Errorf("said twice: %v", twice)
	}
}
