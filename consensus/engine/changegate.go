package engine

import (
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// changeGate stands before the certificates of VIEW-CHANGEs, which are by far
// the dearest to check: a window of them has hundreds of signatures. An honest
// validator repeats one message, which is checked once; a faulty one that signs
// ever new ones gets no more than changesPerSecond looked at. Safe for
// concurrent use.
type changeGate struct {
	mu      sync.Mutex
	senders map[uint64]*gatedSender
	epoch   consensus.Epoch
}

type gatedSender struct {
	checked common.Hash // name of the newest one that was found valid
	since   time.Time
	looked  int // since then
}

// changesPerSecond is above what an honest validator can ask for: a new view at
// most every T0.
const changesPerSecond = 8

var errManyChanges = fmt.Errorf("more than %d different VIEW-CHANGEs of one validator in a second", changesPerSecond)

// admit says what to do with a VIEW-CHANGE whose signature is right.
func (g *changeGate) admit(v *consensus.Vote, id common.Hash, now time.Time) (known, allowed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.senders == nil || v.Epoch != g.epoch {
		g.senders, g.epoch = map[uint64]*gatedSender{}, v.Epoch
	}
	s := g.senders[v.Sender]
	if s == nil {
		s = &gatedSender{since: now}
		g.senders[v.Sender] = s
	}
	if s.checked == id {
		return true, true
	}
	if now.Sub(s.since) >= time.Second {
		s.since, s.looked = now, 0
	}
	s.looked++
	return false, s.looked <= changesPerSecond
}

// passed remembers that a VIEW-CHANGE was found valid.
func (g *changeGate) passed(v *consensus.Vote, id common.Hash) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.senders[v.Sender]; s != nil && v.Epoch == g.epoch {
		s.checked = id
	}
}

// checkChange verifies what a VIEW-CHANGE carries, if it is looked at.
func (e *Engine) checkChange(view *epochView, v *consensus.Vote) error {
	id := v.ChangeID()
	known, allowed := e.gate.admit(v, id, time.Now())
	if known {
		return nil
	}
	if !allowed {
		e.dropped.add(DropViewChanges)
		return errManyChanges
	}
	if err := consensus.VerifyViewChange(v, e.cfg.Domain, view.set, view.rules.First, view.rules.Last()); err != nil {
		return err
	}
	e.gate.passed(v, id)
	return nil
}
