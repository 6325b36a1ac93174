package pbfttest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Counts is what occurred in a run.
type Counts struct {
	delivered [kinds]int
	records   [pbft.RecordOpened + 1]int
	rejected  map[error]int // by rule
	happened  map[string]int
}

var errEndless = errors.New("messages without end")

// note counts one more of what.
func (c *Counts) note(what string) { c.add(what, 1) }

func (c *Counts) add(what string, k int) {
	if c.happened == nil {
		c.happened = map[string]int{}
	}
	c.happened[what] += k
}

// reject counts a refusal under the rule that it names.
func (c *Counts) reject(err error) {
	if c.rejected == nil {
		c.rejected = map[error]int{}
	}
	c.rejected[rule(err)]++
}

// rule returns the rejection rule that an error wraps, or its innermost error.
func rule(err error) error {
	inner := err
	for next := errors.Unwrap(inner); next != nil; next = errors.Unwrap(inner) {
		inner = next
	}
	if _, known := ruleNames[inner]; known {
		return inner
	}
	for _, r := range Rules {
		if errors.Is(err, r.Err) {
			return r.Err
		}
	}
	return errOther
}

var errOther = errors.New("something else")

// Add sums counts up.
func (c *Counts) Add(o *Counts) {
	for k, n := range o.delivered {
		c.delivered[k] += n
	}
	for k, n := range o.records {
		c.records[k] += n
	}
	for err, n := range o.rejected {
		if c.rejected == nil {
			c.rejected = map[error]int{}
		}
		c.rejected[err] += n
	}
	for what, n := range o.happened {
		c.add(what, n)
	}
}

var recordNames = [...]string{
	pbft.RecordStable: "stable", pbft.RecordProposal: "proposal", pbft.RecordPrepared: "prepared",
	pbft.RecordViewChange: "view change", pbft.RecordNewView: "new view", pbft.RecordOpened: "opened",
}

// Rows returns the whole table by the names of its rows.
func (c *Counts) Rows() map[string]int {
	out := maps.Clone(c.happened)
	if out == nil {
		out = map[string]int{}
	}
	for k, n := range c.delivered {
		if k > 0 {
			out["delivered: "+kind(k).String()] = n
		}
	}
	for k, n := range c.records {
		if k > 0 {
			out["journal: "+recordNames[k]] = n
		}
	}
	for err, n := range c.rejected {
		out["refused: "+err.Error()] += n
	}
	return out
}

// Get returns one row.
func (c *Counts) Get(row string) int { return c.Rows()[row] }

// String is the table of what occurred.
func (c *Counts) String() string {
	var out strings.Builder
	rows := c.Rows()
	for _, what := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&out, "%10d  %s\n", rows[what], what)
	}
	return out.String()
}

// Missing returns the required rows that are zero.
func (c *Counts) Missing() []string {
	var out []string
	rows := c.Rows()
	for _, what := range RequiredRows() {
		if rows[what] == 0 {
			out = append(out, what)
		}
	}
	return out
}

// asked counts what a replica asked to be done.
func (c *Counts) ready(rd *pbft.Ready) {
	for _, a := range rd.Asked {
		c.note(askedRows[a.Why])
	}
	if len(rd.Entered) > 0 {
		c.add("views entered", len(rd.Entered))
	}
	if rd.Forward {
		c.note("forwarded")
	}
	if rd.Rollback != nil {
		c.note("rollbacks")
	}
	if rd.Halt != nil {
		c.note("halted: " + rule(rd.Halt).Error())
	}
	for i := range rd.Persist {
		rec := &rd.Persist[i]
		c.records[rec.Kind]++
		if rec.Kind == pbft.RecordNewView && len(rec.Vote.NewView.O) > 0 {
			c.note("views that propose again")
		}
	}
}

var askedRows = map[consensus.Why]string{}

func init() {
	for why := consensus.WhyJoin; why <= consensus.WhyFault; why++ {
		askedRows[why] = "asked: " + why.String()
	}
}
