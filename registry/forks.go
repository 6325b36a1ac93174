package registry

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
)

// Fork is a change of the EVM's rules that the members have scheduled.
type Fork struct {
	Name string
	Time uint64 // seconds since 1970: the first epoch that begins after a block of this time or a later one has the rules
}

// Holds reports whether the rules hold in an epoch that begins after a block of a time.
func (f Fork) Holds(opened uint64) bool { return f.Time <= opened }

// UnknownForks returns the forks that a state schedules, or that hold in it already, and
// that this build has no rules for, by ascending time, then by name. Where none is
// scheduled it reads one slot. A list that the contract cannot hold is an error.
func UnknownForks(read ReadSlot) ([]Fork, error) {
	list, err := storage{read, contracts.Parameters}.forks()
	return slices.DeleteFunc(list, func(f Fork) bool { return genesis.KnowsFork(f.Name) }), err
}

// forks reads the list of the contract, by ascending time, then by name.
func (s storage) forks() ([]Fork, error) {
	names, err := s.all(contracts.ForkList, contracts.MaxForks)
	if err != nil {
		return nil, err
	}
	var out []Fork
	for _, name := range names {
		out = append(out, Fork{
			Name: string(bytes.TrimRight(name[:], "\x00")),
			Time: contracts.ForkTimes.Uint(s.slot(contracts.ForkTimes.Of(name))),
		})
	}
	slices.SortFunc(out, func(a, b Fork) int { return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Name, b.Name)) })
	return out, nil
}
