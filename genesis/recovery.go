package genesis

import (
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// MaxRecoveryKeys bounds the recovery keys: each is a person with a drawer, and a
// proof that follows a recovery holds a signature of most of them.
const MaxRecoveryKeys = 32

// Recovery says who may name a new validator set when more validators are lost for
// ever than the protocol bears: Threshold of Keys together (package recovery). It
// cannot be changed later. Without keys nobody may.
type Recovery struct {
	Keys      []common.Address // of keys that no node holds
	Threshold uint64           // how many of them must sign: more than half
}

// Allowed reports whether the network can be recovered at all.
func (r *Recovery) Allowed() bool { return len(r.Keys) > 0 }

// Sorted returns the keys by ascending address, the order in which signers are
// counted.
func (r *Recovery) Sorted() []common.Address { return ascending(r.Keys) }

// check checks the section. More than half must sign, so that two recoveries of one
// epoch have a signer in common, who is at fault.
func (r *Recovery) check(validators []Validator, ps *Problems) {
	n := uint64(len(r.Keys))
	switch {
	case n == 0 && r.Threshold == 0:
		return
	case n == 0:
		ps.add("recovery.keys", "is empty: name the keys, or leave the section out")
		return
	case n > MaxRecoveryKeys:
		ps.add("recovery.keys", "%d of them: at most %d are supported", n, MaxRecoveryKeys)
	}
	if r.Threshold > n || 2*r.Threshold <= n {
		ps.add("recovery.threshold", "%d is outside %d … %d: of %d keys more than half must sign, so that no two groups can sign two different recoveries", r.Threshold, n/2+1, n, n)
	}
	for i, k := range r.Keys {
		at := fmt.Sprintf("recovery.keys[%d]", i)
		switch first := slices.Index(r.Keys, k); {
		case k == (common.Address{}):
			ps.add(at, "the zero address signs nothing")
		case first < i:
			ps.add(at, "%s stands already at recovery.keys[%d]", k, first)
		case slices.ContainsFunc(validators, func(v Validator) bool { return v.Address == k }):
			ps.add(at, "%s is a validator's key: it would be lost with the validator; make one of its own and keep it elsewhere", k)
		}
	}
}

// recoveryDoc is the shape that is written.
type recoveryDoc struct {
	Keys      []string `json:"keys"`
	Threshold uint64   `json:"threshold"`
}

// doc returns nil where there are no keys: a network that was made before there was
// such a section keeps its hash.
func (r *Recovery) doc(sorted bool) *recoveryDoc {
	if !r.Allowed() {
		return nil
	}
	keys := r.Keys
	if sorted {
		keys = r.Sorted()
	}
	d := &recoveryDoc{Threshold: r.Threshold}
	for _, k := range keys {
		d.Keys = append(d.Keys, k.Hex())
	}
	return d
}

func (d *decoder) recovery(n *node, path string, r *Recovery) {
	d.object(n, path,
		field{"keys", true, d.addresses(&r.Keys)},
		field{"threshold", true, d.uint(&r.Threshold)},
	)
}
