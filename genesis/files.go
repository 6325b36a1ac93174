package genesis

import (
	"slices"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
)

// EncodeMember returns the file that a founding member hands to whoever
// assembles the genesis: its entry of the validators list.
func EncodeMember(v Validator) []byte {
	return append(indent(mustJSON(v.doc(true))), '\n')
}

// EncodeObserver returns the same for a node without a vote: its entry of the
// observers list.
func EncodeObserver(o Observer) []byte {
	return append(indent(mustJSON(observerDoc(o))), '\n')
}

// ParseMember reads such a file and checks it, proof included. Exactly one of
// the results is not nil; what names no validator address is an observer.
func ParseMember(data []byte) (*Validator, *Observer, error) {
	root, err := readTree(data)
	if err != nil {
		return nil, nil, err
	}
	d := newDecoder()
	d.lines[""] = root.line
	isValidator := slices.ContainsFunc(root.members, func(m member) bool { return m.key == "address" || m.key == "proof" })
	if !isValidator {
		o := d.observer(root, "")
		if len(d.problems) == 0 {
			o.check("", &d.problems)
		}
		return nil, &o, d.located()
	}
	v := d.validator(root, "")
	if len(d.problems) == 0 {
		v.check("", &d.problems)
	}
	return &v, nil, d.located()
}

// ParseAlloc reads an allocation on its own, in the form of the alloc section.
func ParseAlloc(data []byte) (types.GenesisAlloc, error) {
	root, err := readTree(data)
	if err != nil {
		return nil, err
	}
	d := newDecoder()
	d.lines[""] = root.line
	out := types.GenesisAlloc{}
	d.alloc(root, "", out)
	return out, d.located()
}

// ParseParams reads protocol parameters on their own, in the form of the
// parameters section, over the given ones.
func ParseParams(data []byte, over consensus.Params) (consensus.Params, error) {
	root, err := readTree(data)
	if err != nil {
		return over, err
	}
	d := newDecoder()
	d.lines[""] = root.line
	d.params(root, "", &over)
	return over, d.located()
}
