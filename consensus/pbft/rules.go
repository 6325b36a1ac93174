package pbft

import (
	"errors"

	"github.com/quorate/quorate/consensus"
)

// rules names the errors by which messages are refused, for metrics. The order
// matters where one wraps another.
var rules = []struct {
	name string
	err  error
}{
	{"ErrHalted", ErrHalted},
	{"ErrEpoch", ErrEpoch},
	{"ErrSender", ErrSender},
	{"ErrSeqRange", ErrSeqRange},
	{"ErrCommitted", ErrCommitted},
	{"ErrWindow", ErrWindow},
	{"ErrOldView", ErrOldView},
	{"ErrFutureView", ErrFutureView},
	{"ErrNotPrimary", ErrNotPrimary},
	{"ErrEquivocate", ErrEquivocate},
	{"ErrConflict", ErrConflict},
	{"ErrParent", ErrParent},
	{"ErrHeader", ErrHeader},
	{"ErrGasLimit", ErrGasLimit},
	{"ErrSize", ErrSize},
	{"ErrTime", ErrTime},
	{"ErrBodies", ErrBodies},
	{"ErrReproposed", ErrReproposed},
	{"ErrFetches", ErrFetches},
	{"ErrUnasked", ErrUnasked},
	{"ErrKind", ErrKind},
	{"ErrSignature", consensus.ErrSignature},
	{"ErrSigner", consensus.ErrSigner},
	{"ErrQuorum", consensus.ErrQuorum},
	{"ErrMalformed", consensus.ErrMalformed},
	{"ErrWrongEpoch", consensus.ErrWrongEpoch},
	{"ErrViewChange", consensus.ErrViewChange},
	{"ErrNewView", consensus.ErrNewView},
}

// RuleOther is the rule of what has no name, and of what does not decode.
const RuleOther = "other"

// Rule names the rule by which err refuses a message: the name of the error.
func Rule(err error) string {
	for i := range rules {
		if errors.Is(err, rules[i].err) {
			return rules[i].name
		}
	}
	return RuleOther
}

// Rules returns every name that Rule gives.
func Rules() []string {
	out := make([]string, 0, len(rules)+1)
	for _, r := range rules {
		out = append(out, r.name)
	}
	return append(out, RuleOther)
}
