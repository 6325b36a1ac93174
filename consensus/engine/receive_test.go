package engine

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// TestReceiveVerdicts: one message per verdict and reason.
func TestReceiveVerdicts(t *testing.T) {
	w := newWorld(t, 4)
	tx := transaction(1, 10)
	p := w.proposal(0, tx)
	prepare := consensus.Vote{Kind: consensus.Prepare, Seq: 1, Digest: p.Vote.Digest}
	commit := consensus.Vote{Kind: consensus.Commit, Seq: 1, Digest: p.Vote.Digest, BlockHash: common.Hash{1}}
	with := func(v consensus.Vote, change func(*consensus.Vote)) []byte {
		change(&v)
		return seal(wireVote, w.sign(1, v).Encode())
	}
	forged := *w.sign(1, prepare)
	forged.Sender = 2
	badProposal := *p
	badProposal.Batch = &consensus.Batch{Header: p.Batch.Header}
	cert := consensus.NewCommitCertificate([]*consensus.Vote{w.sign(0, commit), w.sign(1, commit), w.sign(2, commit)}, 4)
	few := *cert
	few.Signers = consensus.Bitset{3}
	otherEpoch := *cert
	otherEpoch.Epoch = 1
	checkpoint := consensus.Vote{Kind: consensus.Checkpoint, Seq: 4}
	stable := consensus.NewCheckpointCertificate([]*consensus.Vote{w.sign(0, checkpoint), w.sign(1, checkpoint), w.sign(3, checkpoint)}, 4)
	badStable := *stable
	badStable.NextSet = common.Hash{9}
	raw, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	one, stranger := w.set.Address(1), common.Address{7}
	cases := map[string]struct {
		from common.Address
		data []byte
		want Verdict
		in   int // messages in the inbox after it
	}{
		"vote":                       {one, with(prepare, func(*consensus.Vote) {}), Accept, 1},
		"vote relayed by a stranger": {stranger, with(prepare, func(*consensus.Vote) {}), Accept, 1},
		"forged sender":              {one, seal(wireVote, forged.Encode()), Reject, 0},
		"vote of the next epoch":     {one, with(prepare, func(v *consensus.Vote) { v.Epoch = 1 }), Accept, 0},
		"vote of a later epoch":      {one, with(prepare, func(v *consensus.Vote) { v.Epoch = 2 }), Ignore, 0},
		"vote at the committed seq":  {one, with(prepare, func(v *consensus.Vote) { v.Seq = 0 }), Ignore, 0},
		"view change":                {one, with(consensus.Vote{Kind: consensus.ViewChange, Change: &consensus.ViewChangeBody{View: 1}}, func(*consensus.Vote) {}), Accept, 1},
		"view change, bad base":      {one, with(consensus.Vote{Kind: consensus.ViewChange, Change: &consensus.ViewChangeBody{View: 1, Base: []consensus.CommitCertificate{few}}}, func(*consensus.Vote) {}), Reject, 0},
		"view change, good base":     {one, with(consensus.Vote{Kind: consensus.ViewChange, Change: &consensus.ViewChangeBody{View: 1, Base: []consensus.CommitCertificate{*cert}}}, func(*consensus.Vote) {}), Accept, 1},
		"new view":                   {one, with(consensus.Vote{Kind: consensus.NewView, NewView: &consensus.NewViewBody{View: 1}}, func(*consensus.Vote) {}), Accept, 1},
		"fetch":                      {one, seal(wireFetch, (&consensus.Fetch{Kind: consensus.FetchBatch}).Encode()), Accept, 1},
		"fetch of a stranger":        {stranger, seal(wireFetch, (&consensus.Fetch{Kind: consensus.FetchBatch}).Encode()), Ignore, 0},
		"fetch of no kind":           {one, seal(wireFetch, (&consensus.Fetch{Kind: 3}).Encode()), Reject, 0},
		"batch":                      {stranger, sealRLP(wireBatch, p.Batch), Accept, 1},
		"batch of other hashes":      {one, sealRLP(wireBatch, badProposal.Batch), Reject, 0},
		"proposal":                   {one, seal(wireProposal, p.Encode()), Accept, 1},
		"proposal without hashes":    {one, seal(wireProposal, badProposal.Encode()), Reject, 0},
		"certificate":                {stranger, sealRLP(wireCertificate, cert), Accept, 1},
		"certificate, few signers":   {one, sealRLP(wireCertificate, &few), Reject, 0},
		"certificate, other epoch":   {one, sealRLP(wireCertificate, &otherEpoch), Ignore, 0},
		"checkpoint":                 {stranger, sealRLP(wireCheckpoint, stable), Accept, 1},
		"checkpoint of another set":  {one, sealRLP(wireCheckpoint, &badStable), Reject, 0},
		"STATUS":                     {one, seal(wireStatus, (&consensus.Status{}).Encode()), Accept, 1},
		"STATUS of a stranger":       {stranger, seal(wireStatus, (&consensus.Status{}).Encode()), Ignore, 0},
		"bodies":                     {one, sealRLP(wireBodies, &bodiesMessage{Bodies: [][]byte{raw}}), Accept, 1},
		"bodies of a stranger":       {stranger, sealRLP(wireBodies, &bodiesMessage{Bodies: [][]byte{raw}}), Ignore, 0},
		"bodies that are none":       {one, sealRLP(wireBodies, &bodiesMessage{Bodies: [][]byte{{1}}}), Reject, 0},
		"garbage":                    {one, []byte("garbage"), Reject, 0},
		"nothing":                    {one, nil, Reject, 0},
		"giant":                      {one, make([]byte, 5<<20), Reject, 0},
	}
	for name, c := range cases {
		e := w.members[3].build()
		got, err := e.Receive(c.from, c.data)
		if got != c.want || len(e.inbox) != c.in || (err != nil) != (got == Reject) {
			t.Errorf("%s: verdict %d, want %d; %d in the inbox, want %d; %v", name, got, c.want, len(e.inbox), c.in, err)
		}
	}
}

// TestReceiveEarly: messages of the next epoch wait, bounded in number and
// bytes per connection, and are received again when it begins.
func TestReceiveEarly(t *testing.T) {
	w := newWorld(t, 4)
	e := w.members[3].build()
	e.cfg.Limits.EarlyPerPeer = 2
	one := w.set.Address(1)
	var votes [][]byte
	for seq := range consensus.Seq(3) {
		votes = append(votes, seal(wireVote, w.sign(1, consensus.Vote{Kind: consensus.Prepare, Epoch: 1, Seq: 5 + seq}).Encode()))
	}
	for _, v := range votes {
		if got, err := e.Receive(one, v); got != Accept || err != nil {
			t.Fatalf("verdict %d, %v", got, err)
		}
	}
	if got := e.Dropped(); got != [dropReasons]uint64{DropNextEpoch: 1} {
		t.Errorf("counted as dropped: %v", got)
	}
	e.cfg.Limits.EarlyPerPeer, e.cfg.Limits.MessageBytes = 100, 2*len(votes[0])
	if e.Receive(one, votes[2]); e.Dropped() != [dropReasons]uint64{DropNextEpoch: 2} {
		t.Errorf("counted as dropped: %v", e.Dropped())
	}
	e.epoch.Store(&epochView{epoch: 1, set: w.set, committed: 4})
	if e.keepEarly(one, 1, votes[2]) {
		t.Error("a message of the present epoch was kept for it")
	}
	e.replayEarly()
	if len(e.inbox) != 2 || len(e.early) != 0 {
		t.Errorf("%d in the inbox, %d boxes left", len(e.inbox), len(e.early))
	}
}

// TestReceiveOverflow: a full inbox drops and counts, and blocks nobody.
func TestReceiveOverflow(t *testing.T) {
	w := newWorld(t, 4)
	m := w.members[3]
	e := m.build()
	e.inbox = make(chan any, 1)
	v := seal(wireVote, w.sign(1, consensus.Vote{Kind: consensus.Prepare, Seq: 1}).Encode())
	if got, err := e.Receive(m.address, v); got != Accept || err != nil {
		t.Fatal(got, err)
	}
	if got, err := e.Receive(m.address, v); got != Ignore || !errors.Is(err, errOverflow) || e.Dropped() != [dropReasons]uint64{DropInbox: 1} {
		t.Errorf("verdict %d, %v, dropped: %v", got, err, e.Dropped())
	}
}

// TestReceiveManyChanges: ever new VIEW-CHANGEs of one validator are looked at
// up to a bound. What is beyond is dropped under its own reason, and is no proof
// against who bears it.
func TestReceiveManyChanges(t *testing.T) {
	w := newWorld(t, 4)
	e := w.members[3].build()
	const more = 2*changesPerSecond + 3 // the second may change meanwhile, once
	var dropped uint64
	for view := range consensus.View(more) {
		v := w.sign(1, consensus.Vote{Kind: consensus.ViewChange, View: view + 1, Change: &consensus.ViewChangeBody{View: view + 1}})
		switch got, err := e.Receive(w.set.Address(1), seal(wireVote, v.Encode())); {
		case got == Ignore && errors.Is(err, errManyChanges):
			dropped++
		case got != Accept || err != nil:
			t.Fatalf("view %d: verdict %d, %v", view+1, got, err)
		}
	}
	if dropped == 0 || len(e.inbox) != more-int(dropped) || e.Dropped() != [dropReasons]uint64{DropViewChanges: dropped} {
		t.Errorf("%d ignored, %d in the inbox, dropped: %v", dropped, len(e.inbox), e.Dropped())
	}
}

// FuzzOpen: whatever arrives is decoded or refused; what is decoded encodes to
// the same bytes.
func FuzzOpen(f *testing.F) {
	p := &consensus.Proposal{Vote: &consensus.Vote{Kind: consensus.PrePrepare, Seq: 1}, Batch: &consensus.Batch{Header: consensus.BatchHeader{Seq: 1, TxsHash: consensus.HashOfTransactions(nil)}}}
	p.Vote.Digest = p.Batch.Digest()
	for _, m := range []pbft.Outbound{
		{Vote: &consensus.Vote{Kind: consensus.Commit, Seq: 3}},
		{Vote: p.Vote, Batch: p.Batch},
		{Certificate: &consensus.CommitCertificate{Signers: consensus.Bitset{7}, Signatures: make([]consensus.Signature, 3)}},
		{Checkpoint: &consensus.CheckpointCertificate{Seq: 64}},
		{Status: &consensus.Status{Window: []consensus.SlotStatus{{Proposal: true}}}},
	} {
		f.Add(encodeOutbound(&m))
	}
	f.Add(sealRLP(wireBodies, &bodiesMessage{Bodies: [][]byte{{1, 2}}}))
	f.Add([]byte{0x07, 0xc0})
	f.Fuzz(func(t *testing.T, data []byte) {
		msg, err := open(data)
		if err != nil {
			return
		}
		var again []byte
		switch m := msg.(type) {
		case *consensus.Vote:
			again = encodeOutbound(&pbft.Outbound{Vote: m})
		case *consensus.Proposal:
			again = encodeOutbound(&pbft.Outbound{Vote: m.Vote, Batch: m.Batch})
		case *consensus.CommitCertificate:
			again = encodeOutbound(&pbft.Outbound{Certificate: m})
		case *consensus.CheckpointCertificate:
			again = encodeOutbound(&pbft.Outbound{Checkpoint: m})
		case *consensus.Status:
			again = encodeOutbound(&pbft.Outbound{Status: m})
		case *bodiesMessage:
			again = sealRLP(wireBodies, m)
		default:
			t.Fatalf("opened as %T", msg)
		}
		if string(again) != string(data) {
			t.Fatalf("%x decodes to what encodes as %x", data, again)
		}
	})
}
