package pbft_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

var ledgerMinutes = flag.Float64("minutes", 0, "play new seeds for so long and add them to docs/sim-ledger.json")

const (
	ledgerFile  = "../../docs/sim-ledger.json"
	ledgerTable = "../../docs/reliability.md"
	tableBegin  = "<!-- ledger: written by make sim-ledger -->"
	tableEnd    = "<!-- end of ledger -->"
)

// simLedger is what was simulated with one state of the sources. Seeds of an
// older core prove nothing about this one, so it begins anew when they change.
type simLedger struct {
	Sources  string         `json:"sources"` // hash of consensus and consensus/pbft
	Commit   string         `json:"commit"`  // of the last part
	NextSeed uint64         `json:"nextSeed"`
	Seeds    uint64         `json:"seeds"`
	Minutes  float64        `json:"minutes"`
	Occurred map[string]int `json:"occurred"`
}

// firstLedgerSeed is where a ledger begins: above the seeds that other tests
// play.
const firstLedgerSeed = 1_000_000

// TestLedger plays seeds that were never played and adds them up, when asked:
// make sim-ledger MINUTES=10. Otherwise it checks the ledger that is there.
func TestLedger(t *testing.T) {
	if *ledgerMinutes <= 0 {
		checkLedger(t)
		return
	}
	l := loadLedger(t)
	start := time.Now()
	deadline := start.Add(time.Duration(*ledgerMinutes * float64(time.Minute)))
	for time.Now().Before(deadline) {
		const part = 500 // lost at most, when it is interrupted
		sum := pbfttest.PlayAll(l.NextSeed, part, pbfttest.Options{}, nil)
		if text := sum.Explain(); text != "" {
			t.Fatal(text)
		}
		l.NextSeed += part
		l.Seeds += part
		for row, k := range sum.Counts.Rows() {
			l.Occurred[row] += k
		}
		l.Minutes += time.Since(start).Minutes()
		start = time.Now()
		l.save(t)
	}
	t.Logf("%d seeds, %d heights", l.Seeds, l.Occurred["heights"])
}

func loadLedger(t *testing.T) *simLedger {
	t.Helper()
	l := &simLedger{}
	data, err := os.ReadFile(ledgerFile)
	if err == nil {
		err = json.Unmarshal(data, l)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if now := hashOfSources(t); l.Sources != now {
		*l = simLedger{Sources: now, NextSeed: firstLedgerSeed, Occurred: map[string]int{}}
	}
	l.Commit = commit()
	return l
}

// hashOfSources is the identity of the core: all its sources but the tests.
func hashOfSources(t *testing.T) string {
	t.Helper()
	h := sha256.New()
	for _, dir := range []string{"..", "."} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(h, "%s %d\n", filepath.Base(name), len(data))
			h.Write(data)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func (l *simLedger) save(t *testing.T) {
	t.Helper()
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ledgerFile, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(ledgerTable)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := l.into(string(doc))
	if !ok {
		t.Fatalf("%s has no place for the ledger", ledgerTable)
	}
	if err := os.WriteFile(ledgerTable, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// into puts the ledger's table in its place in a page; false if the page has
// none.
func (l *simLedger) into(page string) (string, bool) {
	before, rest, begins := strings.Cut(page, tableBegin)
	_, after, ends := strings.Cut(rest, tableEnd)
	return before + tableBegin + "\n\n" + l.table() + "\n" + tableEnd + after, begins && ends
}

// table is the ledger for readers: the sums, and every class of fault.
func (l *simLedger) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| Core | Commit | Seeds | Heights | Epochs | Views entered | Minutes | Failures |\n|---|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(&b, "| `%s` | `%s` | %d | %d | %d | %d | %.0f | 0 |\n\n", l.Sources, l.Commit, l.Seeds, l.Occurred["heights"], l.Occurred["epochs"], l.Occurred["views entered"], l.Minutes)
	b.WriteString("| What was done to it | Times |\n|---|---|\n")
	for _, row := range slices.Sorted(maps.Keys(l.Occurred)) {
		if strings.HasPrefix(row, "fault: ") || strings.HasPrefix(row, "crash: ") || strings.HasPrefix(row, "villain: ") || strings.HasPrefix(row, "messages ") {
			fmt.Fprintf(&b, "| %s | %d |\n", row, l.Occurred[row])
		}
	}
	return b.String()
}
