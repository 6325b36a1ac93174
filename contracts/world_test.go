package contracts_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
)

// TestMain: together the tests meet every function, event and error of every
// contract.
func TestMain(m *testing.M) {
	flag.Parse()
	// A sequence of 30 steps takes 150 ms; -rapid.checks plays more of them.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("40"); err != nil {
			panic(err) // it is a number
		}
	}
	code := m.Run()
	some := flag.Lookup("test.run").Value.String() + flag.Lookup("test.skip").Value.String() + flag.Lookup("test.list").Value.String()
	if code == 0 && some == "" {
		if unseen := contractstest.Unseen(); len(unseen) > 0 {
			fmt.Printf("no test meets\n\t%s\n", strings.Join(unseen, "\n\t"))
			code = 1
		}
	}
	os.Exit(code)
}

// play is a world with expectations.
type play struct {
	*contractstest.World
	t *testing.T
}

func newPlay(t *testing.T, validators int, change ...func(*genesis.Genesis)) *play {
	t.Helper()
	w := contractstest.New(t, validators, change...)
	t.Cleanup(w.Close)
	return &play{w, t}
}

// does sends a transaction and wants these events, or this one error after "!".
func (p *play) does(who string, c contracts.Contract, method string, args []any, want ...string) {
	p.t.Helper()
	events, err := p.Do(p.Actor(who), c, method, args...)
	p.want(events, err, want)
}

// proposes does the same with the proposal of a call.
func (p *play) proposes(who string, c contracts.Contract, method string, args []any, want ...string) {
	p.t.Helper()
	_, events, err := p.Propose(p.Actor(who), c, method, args...)
	p.want(events, err, want)
}

func (p *play) want(events []string, err error, want []string) {
	p.t.Helper()
	if err != nil {
		events = []string{"!" + err.Error()}
	}
	// Of votes TestVote has all; here it is about what comes of them.
	events = slices.DeleteFunc(events, func(e string) bool { return strings.HasPrefix(e, "Voted") || strings.HasPrefix(e, "Proposed(") })
	if d := cmp.Diff(want, events, cmpopts.EquateEmpty()); d != "" {
		p.t.Error(d)
	}
}

func args(a ...any) []any { return a }
