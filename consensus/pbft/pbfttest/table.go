package pbfttest

import (
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// This file says what a large run must have seen. A simulator that never comes
// to a place proves nothing about it, and that is how most of them fail.

// Rule is one rejection rule of the replica.
type Rule struct {
	Name string
	Err  error
	// Elsewhere says why no simulation can reach it; empty = it must.
	Elsewhere string
}

// Rules are all rejection rules of consensus/pbft. A test compares the list
// with the source.
var Rules = []Rule{
	{"ErrHalted", pbft.ErrHalted, ""},
	{"ErrEpoch", pbft.ErrEpoch, ""},
	{"ErrSender", pbft.ErrSender, ""},
	{"ErrSeqRange", pbft.ErrSeqRange, ""},
	{"ErrCommitted", pbft.ErrCommitted, ""},
	{"ErrWindow", pbft.ErrWindow, ""},
	{"ErrOldView", pbft.ErrOldView, ""},
	{"ErrFutureView", pbft.ErrFutureView, ""},
	{"ErrNotPrimary", pbft.ErrNotPrimary, ""},
	{"ErrEquivocate", pbft.ErrEquivocate, ""},
	{"ErrConflict", pbft.ErrConflict, "a second process with the key must propose while the first one starts: fewer than one seed in ten thousand; reject_test.go"},
	{"ErrParent", pbft.ErrParent, ""},
	{"ErrHeader", pbft.ErrHeader, ""},
	{"ErrGasLimit", pbft.ErrGasLimit, ""},
	{"ErrSize", pbft.ErrSize, ""},
	{"ErrTime", pbft.ErrTime, ""},
	{"ErrBodies", pbft.ErrBodies, ""},
	{"ErrReproposed", pbft.ErrReproposed, ""},
	{"ErrFetches", pbft.ErrFetches, ""},
	{"ErrUnasked", pbft.ErrUnasked, ""},
	{"ErrKind", pbft.ErrKind, "decoders know no other kind; reject_test.go gives it an empty message"},
	{"ErrDivergence", pbft.ErrDivergence, "it halts; the row is called so"},
	{"ErrSplit", pbft.ErrSplit, "it halts, and needs more than f wrong executors; reject_test.go and testdata/graveyard"},
	{"ErrFork", pbft.ErrFork, "it halts, and needs more than f faulty validators; reject_test.go"},
}

// edgeRules are what the engine, here the node, refuses before the inbox.
var edgeRules = []error{ErrSignature, ErrProposal, consensus.ErrQuorum, consensus.ErrViewChange, consensus.ErrNewView}

var ruleNames = map[error]string{}

func init() {
	for _, r := range Rules {
		ruleNames[r.Err] = r.Name
	}
	for _, err := range edgeRules {
		ruleNames[err] = err.Error()
	}
}

// RequiredRows are the rows that a run of a thousand seeds must fill.
func RequiredRows() []string {
	rows := []string{
		"heights", "epochs", "views entered", "views that propose again", "rollbacks", "forwarded", "evidence",
		"blocks by block sync", "messages lost", "messages doubled", "runs live after healing", "runs quiet when idle",
		"halted: " + pbft.ErrDivergence.Error(), "epochs with other rules", "blocks before a change", "outsiders follow", "epochs with suspended primaries",
		"runs with a re-proposing view change", "runs with an epoch boundary", "doubled transactions passed over", "bodies fetched",
	}
	for k := kind(1); k < kinds; k++ {
		rows = append(rows, "delivered: "+k.String())
	}
	for k, name := range recordNames {
		if k > 0 {
			rows = append(rows, "journal: "+name)
		}
	}
	for why := consensus.WhyJoin; why <= consensus.WhyFault; why++ {
		rows = append(rows, askedRows[why])
	}
	for _, r := range Rules {
		if r.Elsewhere == "" {
			rows = append(rows, "refused: "+r.Err.Error())
		}
	}
	for _, err := range edgeRules {
		rows = append(rows, "refused: "+err.Error())
	}
	for _, class := range faultClasses {
		rows = append(rows, "fault: "+class)
	}
	for _, p := range crashPoints {
		rows = append(rows, "crash: "+p)
	}
	for _, v := range villains {
		rows = append(rows, "villain: "+v.name)
	}
	return rows
}
