package pbft_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

// This file checks the ledger that lies in docs: that the page shows it, and
// that its figures can be those of one campaign. Whether they are true only
// playing the seeds again could tell.

// checkLedger says loudly, and no more, if the ledger is about older sources:
// it begins anew with the next make sim-ledger.
func checkLedger(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(ledgerTable)
	if err != nil {
		t.Fatal(err)
	}
	l, err := parseLedger(data)
	if err != nil {
		t.Fatalf("%s: %v", ledgerFile, err)
	}
	now := hashOfSources(t)
	for _, what := range l.contradictions() {
		t.Errorf("%s: %s", ledgerFile, what)
	}
	for _, what := range l.gaps() {
		if l.Sources == now { // what older ones did not know of they never had
			t.Errorf("%s: %s", ledgerFile, what)
		}
	}
	if table, ok := l.into(string(page)); !ok || table != string(page) {
		t.Errorf("%s does not show the table of %s: make sim-ledger writes both", ledgerTable, ledgerFile)
	}
	if l.Sources != now {
		fmt.Fprintf(os.Stderr, "\n*** OLD LEDGER: the %d seeds of docs/sim-ledger.json were played with sources %s; these are %s, of which none is entered\n\n", l.Seeds, l.Sources, now)
	}
}

// parseLedger reads a ledger that has no field of which this release does not
// know.
func parseLedger(data []byte) (*simLedger, error) {
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	l := &simLedger{}
	if err := in.Decode(l); err != nil {
		return nil, err
	}
	if in.More() {
		return nil, fmt.Errorf("something follows the ledger")
	}
	return l, nil
}

var (
	sourcesForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
	commitForm  = regexp.MustCompile(`^[0-9a-f]{12,40}(-dirty)?$|^v[0-9].*$|^unknown$`)
)

// contradictions returns what the figures of a ledger cannot be.
func (l *simLedger) contradictions() []string {
	var out []string
	must := func(holds bool, form string, args ...any) {
		if !holds {
			out = append(out, fmt.Sprintf(form, args...))
		}
	}
	must(sourcesForm.MatchString(l.Sources), "the sources are %q", l.Sources)
	must(commitForm.MatchString(l.Commit), "the commit is %q", l.Commit)
	must(l.Minutes > 0, "it took %v minutes", l.Minutes)
	must(l.Seeds > 0 && l.NextSeed == firstLedgerSeed+l.Seeds, "%d seeds from %d on end at %d", l.Seeds, firstLedgerSeed, l.NextSeed)
	of := l.Occurred
	for _, row := range []string{"runs", "runs live after healing", "runs quiet when idle"} {
		must(of[row] == int(l.Seeds), "%d seeds, %d %s: one that fails is not entered", l.Seeds, of[row], row)
	}
	must(of["heights"] >= leastHeights*of["runs"], "%d heights of %d runs: each has %d after healing", of["heights"], of["runs"], leastHeights)
	for _, pair := range [][2]string{
		{"epochs", "heights"},
		{"runs of four or more", "runs"},
		{"runs with an epoch boundary", "runs"},
		{"runs with a re-proposing view change", "runs of four or more"},
		{"journal: new view", "views entered"},
		{"views that propose again", "journal: new view"},
	} {
		must(of[pair[0]] <= of[pair[1]], "%d %s, but %d %s", of[pair[0]], pair[0], of[pair[1]], pair[1])
	}
	for row, k := range of {
		must(k >= 0, "%d %s", k, row)
	}
	return out
}

// gaps returns what so many seeds must have had and never did.
func (l *simLedger) gaps() []string {
	var out []string
	for _, row := range pbfttest.RequiredRows() {
		if l.Seeds >= mustFill && l.Occurred[row] == 0 {
			out = append(out, fmt.Sprintf("%d seeds never had %q", l.Seeds, row))
		}
	}
	return out
}

// leastHeights is what every run commits after healing (mustGrow of pbfttest).
const leastHeights = 20

// TestLedgerContradictions: each figure that cannot be is noticed.
func TestLedgerContradictions(t *testing.T) {
	data, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		spoil func(*simLedger)
		says  string
	}{
		"no sources":              {func(l *simLedger) { l.Sources = "" }, "the sources are"},
		"no commit":               {func(l *simLedger) { l.Commit = "yesterday" }, "the commit is"},
		"no time":                 {func(l *simLedger) { l.Minutes = 0 }, "minutes"},
		"a seed that was skipped": {func(l *simLedger) { l.NextSeed++ }, "seeds from"},
		"nothing":                 {func(l *simLedger) { *l = simLedger{NextSeed: firstLedgerSeed} }, "0 seeds"},
		"a run that failed":       {func(l *simLedger) { l.Occurred["runs live after healing"]-- }, "runs live after healing"},
		"a run that was not idle": {func(l *simLedger) { l.Occurred["runs quiet when idle"]-- }, "runs quiet when idle"},
		"few heights":             {func(l *simLedger) { l.Occurred["heights"] = leastHeights*int(l.Seeds) - 1 }, "after healing"},
		"many epochs":             {func(l *simLedger) { l.Occurred["epochs"] = l.Occurred["heights"] + 1 }, "epochs, but"},
		"a villain that never came": {func(l *simLedger) {
			l.Seeds, l.Occurred["villain: "+pbfttest.Kinds()[0]] = max(l.Seeds, mustFill), 0
		}, "never had"},
	} {
		l, err := parseLedger(data)
		if err != nil {
			t.Fatal(err)
		}
		l.Occurred = maps.Clone(l.Occurred)
		row.spoil(l)
		if said := strings.Join(append(l.contradictions(), l.gaps()...), "; "); !strings.Contains(said, row.says) {
			t.Errorf("%s: %q, want %q", name, said, row.says)
		}
	}
	for _, bad := range []string{"", "[]", `{"seed": 1}`, `{"seeds": -1}`, string(data) + "{}"} {
		if _, err := parseLedger([]byte(bad)); err == nil {
			t.Errorf("%.20q is a ledger", bad)
		}
	}
	if _, ok := (&simLedger{}).into("a page"); ok {
		t.Error("a page without a place shows the ledger")
	}
}
