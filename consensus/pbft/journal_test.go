package pbft

import (
	"errors"
	"testing"

	"github.com/quorate/quorate/consensus"
)

// TestRecordsThatNobodyWrites: each part of a record that restoring relies on.
// Of another epoch the set is not known, and any index will do.
func TestRecordsThatNobodyWrites(t *testing.T) {
	b := chain(t, 1)[0]
	later := batchAt(t, 65, testGenesis, func(h *consensus.BatchHeader) { h.Epoch = 1 })
	pp := func(change func(*consensus.Vote)) *consensus.Vote {
		v := vote(consensus.PrePrepare, 0, 1, b.Digest())
		change(v)
		return v
	}
	proof := func(b *consensus.Batch, sender uint64) *consensus.PreparedCertificate {
		p := proofOf(0, b)
		p.Signatures[2].Sender = sender
		return &p
	}
	of := func(v *consensus.Vote, e consensus.Epoch) *consensus.Vote { v.Epoch = e; return v }
	ask, stranger, bare := asks(1, 1, nil), asks(4, 1, nil), vote(consensus.ViewChange, 1, 0, b.Digest())
	opens := func(change func(*consensus.Vote)) *consensus.Vote {
		v := at(1, vote(consensus.NewView, 1, 0, b.Digest()))
		v.NewView = &consensus.NewViewBody{View: 1}
		change(v)
		return v
	}
	whole := opens(func(*consensus.Vote) {})
	for name, row := range map[string]struct {
		rec Record
		ok  bool
	}{
		"stable":                            {Record{Kind: RecordStable, Stable: &consensus.CheckpointCertificate{}}, true},
		"no stable":                         {Record{Kind: RecordStable}, false},
		"opened":                            {Record{Kind: RecordOpened, Opened: &Opened{}}, true},
		"no opened":                         {Record{Kind: RecordOpened}, false},
		"proposal":                          {Record{Kind: RecordProposal, Seq: 1, Batch: b, Vote: pp(func(*consensus.Vote) {})}, true},
		"proposal of a NEW-VIEW":            {Record{Kind: RecordProposal, Seq: 1, Batch: b}, true},
		"proposal, no batch":                {Record{Kind: RecordProposal, Seq: 1}, false},
		"proposal, another seq":             {Record{Kind: RecordProposal, Seq: 2, Batch: b}, false},
		"proposal, a PREPARE":               {Record{Kind: RecordProposal, Seq: 1, Batch: b, Vote: pp(func(v *consensus.Vote) { v.Kind = consensus.Prepare })}, false},
		"proposal, another epoch's vote":    {Record{Kind: RecordProposal, Seq: 1, Batch: b, Vote: pp(func(v *consensus.Vote) { v.Epoch = 1 })}, false},
		"proposal of a stranger":            {Record{Kind: RecordProposal, Seq: 1, Batch: b, Vote: pp(func(v *consensus.Vote) { v.Sender = 4 })}, false},
		"proposal of another epoch's":       {Record{Kind: RecordProposal, Seq: 65, Batch: later, Vote: pp(func(v *consensus.Vote) { v.Sender, v.Epoch = 4, 1 })}, true},
		"proposal, wrong epoch":             {Record{Kind: RecordProposal, Seq: 1, Batch: batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.Epoch = 1 })}, false},
		"certificate":                       {Record{Kind: RecordPrepared, Seq: 1, Prepared: proof(b, 2)}, true},
		"no certificate":                    {Record{Kind: RecordPrepared, Seq: 1}, false},
		"certificate, another seq":          {Record{Kind: RecordPrepared, Seq: 2, Prepared: proof(b, 2)}, false},
		"certificate of a stranger":         {Record{Kind: RecordPrepared, Seq: 1, Prepared: proof(b, 4)}, false},
		"certificate of another epoch's":    {Record{Kind: RecordPrepared, Seq: 65, Prepared: proof(later, 4)}, true},
		"VIEW-CHANGE":                       {Record{Kind: RecordViewChange, Vote: ask}, true},
		"no VIEW-CHANGE":                    {Record{Kind: RecordViewChange}, false},
		"VIEW-CHANGE, a NEW-VIEW":           {Record{Kind: RecordViewChange, Vote: whole}, false},
		"VIEW-CHANGE, another kind":         {Record{Kind: RecordViewChange, Vote: &consensus.Vote{Kind: consensus.Prepare, Change: ask.Change}}, false},
		"VIEW-CHANGE without a body":        {Record{Kind: RecordViewChange, Vote: bare}, false},
		"VIEW-CHANGE of a stranger":         {Record{Kind: RecordViewChange, Vote: stranger}, false},
		"VIEW-CHANGE of another epoch's":    {Record{Kind: RecordViewChange, Vote: of(asks(4, 1, nil), 1)}, true},
		"NEW-VIEW":                          {Record{Kind: RecordNewView, Vote: whole, Changes: []*consensus.Vote{ask}}, true},
		"no NEW-VIEW":                       {Record{Kind: RecordNewView}, false},
		"NEW-VIEW, another kind":            {Record{Kind: RecordNewView, Vote: opens(func(v *consensus.Vote) { v.Kind = consensus.Commit })}, false},
		"NEW-VIEW without a body":           {Record{Kind: RecordNewView, Vote: opens(func(v *consensus.Vote) { v.NewView = nil })}, false},
		"NEW-VIEW of a stranger":            {Record{Kind: RecordNewView, Vote: opens(func(v *consensus.Vote) { v.Sender = 4 })}, false},
		"NEW-VIEW, a VIEW-CHANGE less":      {Record{Kind: RecordNewView, Vote: whole, Changes: []*consensus.Vote{ask, nil}}, false},
		"NEW-VIEW, another kind among them": {Record{Kind: RecordNewView, Vote: whole, Changes: []*consensus.Vote{{Kind: consensus.Prepare, Change: ask.Change}}}, false},
		"NEW-VIEW, one without a body":      {Record{Kind: RecordNewView, Vote: whole, Changes: []*consensus.Vote{bare}}, false},
		"NEW-VIEW, one of a stranger":       {Record{Kind: RecordNewView, Vote: whole, Changes: []*consensus.Vote{stranger}}, false},
	} {
		r := newReplica(t, 1, nil)
		err := r.checkJournal([]Record{{Kind: RecordOpened, Opened: &Opened{}}, row.rec})
		if (err == nil) != row.ok || err != nil && !errors.Is(err, errRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
