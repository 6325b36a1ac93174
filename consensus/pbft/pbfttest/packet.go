package pbfttest

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Packet is a message on its way, with what travels beside it.
type Packet struct {
	From, To int // positions in the cluster
	Message  pbft.Message
	Bodies   []common.Hash // transactions whose bodies are in it
	Waited   bool          // and that have waited long
	LateUs   uint64        // a villain's own delay
}

// kind numbers what a packet carries, for counters and traces.
type kind uint8

// The kinds beyond the six votes, which keep their numbers.
const (
	kindBatch = kind(consensus.NewView) + 1 + iota
	kindFetchBatch
	kindFetchChange
	kindCertificate
	kindStable
	kindStatus
	kindEvidence
	kindBodies
	kinds
)

var kindNames = [kinds]string{
	kindBatch: "BATCH", kindFetchBatch: "FETCH batch", kindFetchChange: "FETCH view change",
	kindCertificate: "CERTIFICATE", kindStable: "STABLE", kindStatus: "STATUS", kindEvidence: "EVIDENCE", kindBodies: "TRANSACTIONS",
}

func (k kind) String() string {
	if kindNames[k] == "" {
		return consensus.Kind(k).String()
	}
	return kindNames[k]
}

// kindOf says what a packet carries.
func kindOf(p *Packet) kind {
	m := &p.Message
	switch {
	case m.Vote != nil:
		return kind(m.Vote.Kind)
	case m.Batch != nil:
		return kindBatch
	case m.Fetch != nil && m.Fetch.Kind == consensus.FetchBatch:
		return kindFetchBatch
	case m.Fetch != nil:
		return kindFetchChange
	case m.Certificate != nil:
		return kindCertificate
	case m.Checkpoint != nil:
		return kindStable
	case m.Status != nil:
		return kindStatus
	case m.Evidence != nil:
		return kindEvidence
	}
	return kindBodies
}

// seqOf returns the sequence number that a packet is about.
func seqOf(p *Packet) consensus.Seq {
	m := &p.Message
	switch {
	case m.Vote != nil:
		return m.Vote.Seq
	case m.Batch != nil:
		return m.Batch.Header.Seq
	case m.Fetch != nil:
		return m.Fetch.Seq
	case m.Certificate != nil:
		return m.Certificate.Seq
	case m.Checkpoint != nil:
		return m.Checkpoint.Seq
	case m.Status != nil:
		return m.Status.Committed
	}
	return 0
}

// scriptKind is the word for a packet in scripts.
func scriptKind(p *Packet) string {
	if p.Message.Fetch != nil {
		return "FETCH"
	}
	return kindOf(p).String()
}

// describe is a packet in one line.
func describe(p Packet) string {
	head := fmt.Sprintf("%d→%d %s", p.From, p.To, scriptKind(&p))
	m := &p.Message
	s := fmt.Sprintf("%s n=%d", head, seqOf(&p))
	switch v := m.Vote; {
	case v != nil && v.Kind == consensus.ViewChange:
		s = fmt.Sprintf("%s v=%d", head, v.View)
		if k := len(v.Change.Prepared); k > 0 {
			s += fmt.Sprintf(" P=[%d…%d]", v.Change.Prepared[0].Header.Seq, v.Change.Prepared[k-1].Header.Seq)
		}
	case v != nil && v.Kind == consensus.NewView:
		s = fmt.Sprintf("%s v=%d O=%s", head, v.View, describeO(v.NewView.O))
	case v != nil && v.View > 0:
		s = fmt.Sprintf("%s v=%d n=%d", head, v.View, v.Seq)
	case m.Fetch != nil && m.Fetch.Kind == consensus.FetchBatch:
		s = fmt.Sprintf("%s %s n=%d", head, m.Fetch.Kind, m.Fetch.Seq)
	case m.Fetch != nil:
		s = fmt.Sprintf("%s %s", head, m.Fetch.Kind)
	case kindOf(&p) == kindBodies:
		s = fmt.Sprintf("%s (%d tx)", head, len(p.Bodies))
	}
	if v := m.Vote; v != nil && int(v.Sender) != idOf(p.Message.From) {
		s += fmt.Sprintf(" of %d", v.Sender)
	}
	if m.Batch != nil {
		s += fmt.Sprintf(" (%d tx)", len(m.Batch.Hashes))
	}
	return s
}

// describeO lists the sequence numbers that a NEW-VIEW proposes.
func describeO(o []consensus.NewViewEntry) string {
	if len(o) == 0 {
		return "[]"
	}
	return fmt.Sprintf("[%d…%d]", o[0].Seq, o[len(o)-1].Seq)
}
