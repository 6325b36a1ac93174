package pbft

import (
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/genesis"
)

// Status is the answer of pbft_status.
type Status struct {
	Self       common.Address    `json:"self"` // zero for an observer
	View       uint64            `json:"view"`
	ActiveView uint64            `json:"activeView"` // entered last; below view while it waits for a NEW-VIEW
	Epoch      uint64            `json:"epoch"`
	Primary    common.Address    `json:"primary"` // of the next sequence number
	IsPrimary  bool              `json:"isPrimary"`
	Mode       string            `json:"mode"`
	Committed  uint64            `json:"committed"` // the last final block
	Stable     uint64            `json:"stable"`    // the last stable checkpoint
	Window     Window            `json:"window"`
	Validators []ValidatorStatus `json:"validators"` // in index order
	F          int               `json:"f"`
	Quorum     int               `json:"quorum"`
	PatienceMs uint64            `json:"patienceMs"`       // how long the timers wait now, T = min(T0·2^k, Tmax)
	Backoff    uint32            `json:"backoff"`          // k
	LostMargin bool              `json:"lostMargin"`       // this replica asked alone for a view: it stays out until the next view or epoch
	Suspended  []common.Address  `json:"suspended"`        // validators that may not be primary in this epoch
	Line       string            `json:"line"`             // all of it in one line, as in logs
	Halt       string            `json:"halt,omitempty"`   // why the replica stopped voting for good
	Held       string            `json:"held,omitempty"`   // why, and below which epoch, it may not vote: its votes may be forgotten
	Stands     string            `json:"stands,omitempty"` // why no quorum can vote, and the way out, as far as known

	KnownForks   []string `json:"knownForks"`             // forks of the EVM whose rules this version has, oldest first
	UnknownForks []Fork   `json:"unknownForks,omitempty"` // forks that the members have scheduled and this version does not know: it stops at the first
}

// Fork is a change of the EVM's rules.
type Fork struct {
	Name string `json:"name"`
	Time uint64 `json:"time"` // seconds since 1970; the rules hold from the first epoch on that begins after it
}

// Window is where the replica votes: above low, up to high.
type Window struct {
	Low  uint64 `json:"low"`
	High uint64 `json:"high"`
}

// ValidatorStatus is what this node knows of a validator.
type ValidatorStatus struct {
	Address   common.Address `json:"address"`
	Connected bool           `json:"connected"`
	Epoch     uint64         `json:"epoch"`
	View      uint64         `json:"view"`
	Mode      string         `json:"mode"`
	Committed uint64         `json:"committed"`
	Asks      *uint64        `json:"asks"`      // the view that it asks for, null if it asks for none
	Suspended bool           `json:"suspended"` // may not be primary in this epoch
}

// unheard is the mode of a validator that has told nothing in this epoch.
const unheard = "unknown"

// Status returns what the replica of this node does.
func (a *API) Status() *Status {
	r := a.d.Reporter.Report()
	out := &Status{
		Self: r.Self, View: uint64(r.View), ActiveView: uint64(r.Active), Epoch: uint64(r.Epoch), Primary: r.Primary, IsPrimary: r.IsPrimary,
		Mode: r.Mode.String(), Committed: uint64(r.Committed), Stable: uint64(r.Stable),
		Window: Window{uint64(r.WindowLow), uint64(r.WindowHigh)}, F: r.F, Quorum: r.Quorum, Line: r.Line, Halt: r.Halt, Held: r.Held, Stands: r.Stands,
		PatienceMs: r.PatienceMs, Backoff: r.Backoff, LostMargin: r.AskedAlone, Suspended: []common.Address{},
		Validators: make([]ValidatorStatus, len(r.Validators)), KnownForks: genesis.KnownForks(),
	}
	for _, f := range a.d.Forks() {
		out.UnknownForks = append(out.UnknownForks, Fork(f))
	}
	for i, v := range r.Validators {
		out.Validators[i] = ValidatorStatus{
			Address: v.Address, Connected: v.Connected, Epoch: uint64(v.Epoch), View: uint64(v.View), Mode: v.Mode.String(),
			Committed: uint64(v.Committed), Suspended: v.Suspended,
		}
		if !v.Heard {
			out.Validators[i].Mode = unheard
		}
		if asks := uint64(v.Asks); asks > 0 {
			out.Validators[i].Asks = &asks
		}
		if v.Suspended {
			out.Suspended = append(out.Suspended, v.Address)
		}
	}
	return out
}
