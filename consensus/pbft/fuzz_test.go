package pbft

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// cursor turns the fuzzer's bytes into numbers; behind the end they are zero.
type cursor struct{ data []byte }

func (c *cursor) byte() byte {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return b
}

// small returns a number below n, or now and then a huge one.
func (c *cursor) small(n int) uint64 {
	b := int(c.byte())
	if b == 255 {
		return 1<<64 - 1 - uint64(c.byte())
	}
	return uint64(b % n)
}

func (c *cursor) digest() common.Hash { return common.Hash{c.byte() % 4} }

// batch returns one of few batches, so that votes meet.
func (c *cursor) batch() *consensus.Batch {
	h := consensus.BatchHeader{
		Version: 1, Epoch: consensus.Epoch(c.small(2)), Seq: consensus.Seq(c.small(70)), OriginView: consensus.View(c.small(2)),
		Proposer: common.BytesToAddress([]byte{0xa0, c.byte()%5 + 1}), ParentDigest: testGenesis, TimeMs: 1_000_000 + c.small(20_000),
		GasLimit: testParams().BlockGasLimit, TxsHash: consensus.HashOfTransactions(nil),
	}
	if c.byte()%4 == 0 {
		h.ParentDigest = c.digest()
	}
	return &consensus.Batch{Header: h}
}

func (c *cursor) vote() *consensus.Vote {
	v := &consensus.Vote{
		Kind: consensus.PrePrepare + consensus.Kind(c.byte()%6), Epoch: consensus.Epoch(c.small(2)), Sender: c.small(5),
		Signature: consensus.Signature{1},
	}
	switch v.Kind {
	case consensus.Checkpoint:
		v.Seq, v.BlockHash, v.StateRoot, v.NextSet = consensus.Seq(c.small(70)), c.digest(), c.digest(), c.digest()
	case consensus.ViewChange:
		v.Change = c.change()
		v.View = v.Change.View
	case consensus.NewView:
		v.NewView = &consensus.NewViewBody{View: consensus.View(c.small(6))}
		for range c.byte() % 5 {
			v.NewView.Changes = append(v.NewView.Changes, c.digest())
		}
		for range c.byte() % 3 {
			v.NewView.O = append(v.NewView.O, consensus.NewViewEntry{Seq: consensus.Seq(c.small(70)), Digest: c.digest()})
		}
		v.View = v.NewView.View
	default:
		v.View, v.Seq, v.Digest = consensus.View(c.small(6)), consensus.Seq(c.small(70)), c.digest()
		if v.Kind == consensus.Commit {
			v.BlockHash = c.digest()
		}
	}
	return v
}

// change returns a body that VerifyViewChange would not refuse by its form.
func (c *cursor) change() *consensus.ViewChangeBody {
	b := &consensus.ViewChangeBody{View: consensus.View(c.small(6)), Stable: consensus.Seq(c.small(70))}
	if c.byte()%3 == 0 {
		b.Base = []consensus.CommitCertificate{{Seq: consensus.Seq(1 + c.byte()%64), View: consensus.View(c.small(4)), BatchDigest: c.digest(), BlockHash: c.digest(), Signers: consensus.Bitset{7}}}
	}
	seq := b.BaseSeq(1)
	for range c.byte() % 3 {
		if seq += 1 + consensus.Seq(c.byte()%3); seq > 64 || b.View == 0 {
			break
		}
		x := consensus.PreparedCertificate{Header: c.batch().Header}
		x.Header.Epoch, x.Header.Seq = 0, seq
		for i := range uint64(3) {
			x.Signatures = append(x.Signatures, consensus.PreparedSignature{Sender: i, Kind: uint8(consensus.Prepare)})
		}
		b.Prepared = append(b.Prepared, x)
	}
	return b
}

// input returns any input.
func (c *cursor) input(r *Replica) Input {
	switch c.byte() % 14 {
	case 0, 1, 2:
		return Message{Vote: c.vote()}
	case 3, 4:
		b := c.batch()
		v := &consensus.Vote{Kind: consensus.PrePrepare, Epoch: b.Header.Epoch, Sender: c.small(4), View: consensus.View(c.small(4)), Seq: b.Header.Seq, Digest: b.Digest(), Signature: consensus.Signature{1}}
		return Message{Vote: v, Batch: b}
	case 5:
		return Message{Batch: c.batch()}
	case 6:
		return Message{Certificate: &consensus.CommitCertificate{Epoch: consensus.Epoch(c.small(2)), View: consensus.View(c.small(4)), Seq: consensus.Seq(c.small(70)), BatchDigest: c.digest(), BlockHash: c.digest(), Signers: consensus.Bitset{7}}}
	case 7:
		return Message{Checkpoint: &consensus.CheckpointCertificate{Epoch: consensus.Epoch(c.small(2)), Seq: consensus.Seq(c.small(70)), BlockHash: c.digest(), Signers: consensus.Bitset{7}}}
	case 8:
		bits := consensus.Bitset{c.byte(), c.byte()}
		st := &consensus.Status{
			Epoch: consensus.Epoch(c.small(2)), View: consensus.View(c.small(6)), Active: consensus.View(c.small(6)), Mode: consensus.Mode(c.byte() % 8),
			Committed: consensus.Seq(c.small(70)), Stable: consensus.Seq(c.small(70)), Boundary: bits, Changes: bits, Answer: c.byte()%2 == 0,
		}
		for range c.byte() % 10 {
			st.Window = append(st.Window, consensus.SlotStatus{Proposal: c.byte()%2 == 0, Prepares: bits, Commits: bits})
		}
		return Message{Status: st, From: addr(int(c.byte()%6) - 1)}
	case 9:
		return Message{Fetch: &consensus.Fetch{Kind: consensus.FetchBatch + consensus.FetchKind(c.byte()%2), Epoch: consensus.Epoch(c.small(2)), Seq: consensus.Seq(c.small(70)), Digest: c.digest()}, From: addr(int(c.byte()%6) - 1)}
	case 10:
		return Tick{Ticks: uint64(c.byte()) * uint64(c.byte()), NowMs: 1_000_000 + c.small(30)*1000}
	case 11:
		return Pool{Executable: int(c.byte() % 10), Oldest: uint64(c.byte())}
	case 12:
		return BatchChecked{Digest: c.batch().Digest()}
	}
	return c.result(r)
}

// result returns what a ledger or a block sync says: never of the past.
func (c *cursor) result(r *Replica) Input {
	at := r.committed
	switch c.byte() % 4 {
	case 0:
		return Durable{Seq: at.Seq}
	case 1:
		seq := at.Seq + consensus.Seq(c.byte()%9)
		if seq == at.Seq || seq > r.last {
			return Synced{Head: at}
		}
		x := &consensus.CommitCertificate{Seq: seq, BatchDigest: common.Hash{byte(seq)}, BlockHash: common.Hash{byte(seq)}, Signers: consensus.Bitset{7}}
		return Synced{Head: Head{Seq: seq, Digest: x.BatchDigest, BlockHash: x.BlockHash, Certificate: x}}
	case 2:
		return BatchBuilt{View: r.active, Seq: r.nextFresh(), Hashes: []common.Hash{c.digest()}}
	}
	n := at.Seq + 1
	if s := r.slots[n]; s != nil {
		return Executed{Seq: n, Digest: s.digest, BlockHash: c.digest()}
	}
	return Executed{Seq: n, BlockHash: c.digest()}
}

// storedRoom is far above what one replica of four may store.
const storedRoom = 20_000

// FuzzStep: no sequence of inputs makes a replica panic, or store without end.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte("\x03\x00\x01\x00\x00\x00\x05\x01\x00\x00\x0c\x00\x01\x00\x00\x00\x05\x01\x0a\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &cursor{data}
		r := newTestReplica(t, int(c.byte()%4))
		for len(c.data) > 0 {
			_ = r.Step(c.input(r)) // most are refused
			for rd := r.Ready(); !rd.Empty(); rd = r.Ready() {
				for _, m := range rd.Messages {
					if m.Vote != nil && m.Vote.Signature == (consensus.Signature{}) {
						v := *m.Vote
						v.Signature = consensus.Signature{2}
						_ = r.Step(Message{Vote: &v, Batch: m.Batch})
					}
				}
			}
		}
		if got := r.Stored(); got > storedRoom {
			t.Errorf("%d messages stored", got)
		}
		_, _ = r.Report(), r.NextTick()
	})
}

// FuzzJournal: a journal that decodes is restored or refused, whatever stands in
// it, and never ends the process.
func FuzzJournal(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &cursor{data}
		var journal []Record
		for len(c.data) > 0 && len(journal) < 200 {
			journal = append(journal, c.record())
		}
		r, err := New(Config{Self: testSet(t, 4).Address(1)}, testStart(t, journal...))
		if err != nil {
			return
		}
		for i := range 4 {
			_ = r.Step(Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
		}
		_ = r.Step(Tick{Ticks: 500, NowMs: 1_005_000})
		r.Ready()
	})
}

// record returns a record of a form that the engine's decoder accepts.
func (c *cursor) record() Record {
	r := Record{Seq: consensus.Seq(c.small(70)), View: consensus.View(c.small(4))}
	switch c.byte() % 6 {
	case 0:
		r.Kind, r.Stable, r.Seq = RecordStable, &consensus.CheckpointCertificate{Epoch: consensus.Epoch(c.small(2)), Seq: consensus.Seq(c.small(70))}, 0
	case 1:
		r.Kind, r.Batch = RecordProposal, c.batch()
		if r.Seq = r.Batch.Header.Seq; c.byte()%4 > 0 {
			r.Batch.Header.Epoch = consensus.Epoch((uint64(max(r.Seq, 1)) - 1) / testParams().EpochLength)
		}
		if c.byte()%2 == 0 {
			r.Vote = &consensus.Vote{Kind: consensus.PrePrepare, Epoch: r.Batch.Header.Epoch, Sender: c.small(5), View: r.View, Seq: r.Seq, Digest: r.Batch.Digest(), Signature: consensus.Signature{c.byte()}}
		}
	case 2:
		r.Kind, r.Prepared, r.BlockHash = RecordPrepared, &consensus.PreparedCertificate{View: r.View, Header: c.batch().Header}, c.digest()
		for range c.byte() % 4 {
			r.Prepared.Signatures = append(r.Prepared.Signatures, consensus.PreparedSignature{Sender: c.small(5), Kind: uint8(consensus.Prepare)})
		}
	case 3:
		change := c.change()
		r.Kind, r.Seq, r.View = RecordViewChange, 0, 0
		r.Vote = &consensus.Vote{Kind: consensus.ViewChange, Sender: c.small(5), View: change.View, Change: change}
	case 4:
		r.Kind, r.Seq, r.View = RecordNewView, 0, 0
		r.Vote, r.Changes = c.newView()
	default:
		r.Kind, r.Seq, r.View = RecordOpened, 0, 0
		r.Opened = &Opened{Epoch: consensus.Epoch(c.small(3)), Hold: consensus.Epoch(c.small(3))}
	}
	return r
}

// newView returns a NEW-VIEW that its VIEW-CHANGEs give, with a chance.
func (c *cursor) newView() (*consensus.Vote, []*consensus.Vote) {
	body := &consensus.NewViewBody{View: consensus.View(c.small(4))}
	var changes []*consensus.Vote
	var bodies []*consensus.ViewChangeBody
	for i := range uint64(3) {
		b := c.change()
		b.View = body.View
		v := &consensus.Vote{Kind: consensus.ViewChange, Sender: i, View: b.View, Change: b}
		changes, bodies, body.Changes = append(changes, v), append(bodies, b), append(body.Changes, v.ChangeID())
	}
	_, _, body.O = consensus.Reproposals(bodies, 1, testGenesis)
	return &consensus.Vote{Kind: consensus.NewView, Sender: c.small(5), View: body.View, NewView: body}, changes
}
