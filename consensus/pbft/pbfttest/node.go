package pbfttest

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

type journalKey struct {
	kind pbft.RecordKind
	seq  consensus.Seq
	view consensus.View
}

// Node is one validator with what the engine would give it.
type Node struct {
	cluster *Cluster
	index   int
	replica *pbft.Replica // nil while crashed

	journal map[journalKey]pbft.Record // durable
	voted   pbft.Voted                 // the file beside the key, durable
	ledger  ledger
	pool    []common.Hash

	inflight map[common.Hash]consensus.Seq // of the batch that holds it
	paused   bool
	owed     uint64 // ticks that passed while paused
	skewMs   int64  // its clock less the cluster's
	villain  Villain
	// Corrupt makes execution come out wrong.
	Corrupt bool
}

// start builds the replica from what is durable.
func (n *Node) start() error {
	n.inflight = map[common.Hash]consensus.Seq{}
	n.paused, n.owed = false, 0
	head := n.ledger.head()
	epoch := consensus.EpochOf(head.Seq+1, n.cluster.Params.EpochLength)
	last := head.Seq > 0 && head.Seq == consensus.LastSeq(epoch-1, n.cluster.Params.EpochLength)
	if stable, ok := n.journal[journalKey{kind: pbft.RecordStable}]; last && (!ok || stable.Stable.Seq < head.Seq) {
		epoch--
	}
	r, err := pbft.New(pbft.Config{Self: n.cluster.Set.Address(n.index), Params: n.cluster.Params, FullBatch: 4},
		pbft.Start{Head: head, Epoch: n.ledger.epochStart(epoch), NowMs: n.nowMs(), Voted: n.voted, Journal: n.records()})
	if err != nil {
		return fmt.Errorf("node %d: %w", n.index, err)
	}
	n.replica = r
	n.cluster.checks.born(n)
	if b := n.boundary(head.Seq); b != nil {
		return n.step(pbft.Durable{Seq: head.Seq, Boundary: b})
	}
	return n.drain()
}

func (n *Node) nowMs() uint64 { return uint64(int64(n.cluster.NowMs) + n.skewMs) }

func (n *Node) records() []pbft.Record {
	var out []pbft.Record
	for _, r := range n.journal {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b pbft.Record) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.View, b.View))
	})
	return out
}

// crash forgets what is not durable.
func (n *Node) crash() {
	n.replica, n.pool = nil, nil
	n.ledger.crash()
}

// receive checks what the engine checks before the inbox: signatures, and that
// vote, header and hashes of a proposal belong together.
func (n *Node) receive(m pbft.Message) error {
	if n.replica == nil {
		return nil
	}
	if err := n.cluster.verify(m); err != nil {
		n.cluster.Rejections[reason(err)]++
		return nil
	}
	if m.Status != nil {
		st := *m.Status
		st.Yours = slices.DeleteFunc(slices.Clone(st.Yours), func(v *consensus.Vote) bool {
			return v.Sender != uint64(n.index) || fakeSignature(v) != v.Signature
		})
		m.Status = &st
	}
	return n.step(m)
}

// step hands over one input and does all that follows.
func (n *Node) step(in pbft.Input) error {
	if n.replica == nil {
		return nil
	}
	if err := n.replica.Step(in); err != nil {
		n.cluster.Rejections[reason(err)]++
	}
	return n.drain()
}

// reason is the innermost error's text: the rejection rule.
func reason(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}

// drain does what the engine does with every Ready, until there is none, and,
// unless the cluster is lazy, all that the ledger has to do.
func (n *Node) drain() error {
	for n.replica != nil {
		rd := n.replica.Ready()
		if rd.Empty() {
			if more, err := n.idle(); err != nil || !more {
				return err
			}
			continue
		}
		if err := n.cluster.checks.ready(n, &rd); err != nil {
			return err
		}
		n.count(&rd)
		n.ledger.give(&rd)
		for _, rec := range rd.Persist {
			if err := n.cluster.checks.persisted(n, &rec); err != nil {
				return err
			}
			n.journal[journalKey{rec.Kind, rec.Seq, rec.View}] = rec
		}
		for _, in := range append(n.send(rd.Messages), n.work(&rd)...) {
			if err := n.replica.Step(in); err != nil {
				n.cluster.Rejections[reason(err)]++
			}
		}
	}
	return nil
}

// idle lets the ledger work if it may now, and checks the invariants.
func (n *Node) idle() (more bool, err error) {
	if err := n.cluster.checks.check(n.cluster, n); err != nil {
		return false, err
	}
	if n.cluster.Lazy || !n.ledger.busy() {
		return false, nil
	}
	n.stepInputs(n.ledger.step())
	return true, nil
}

// workOnce lets the ledger do one thing, in a lazy cluster.
func (n *Node) workOnce() error {
	if n.replica == nil || n.paused || !n.ledger.busy() {
		return nil
	}
	n.stepInputs(n.ledger.step())
	return n.drain()
}

func (n *Node) stepInputs(inputs []pbft.Input) {
	for _, in := range inputs {
		if err := n.replica.Step(in); err != nil {
			n.cluster.Rejections[reason(err)]++
		}
	}
	n.pool = slices.DeleteFunc(n.pool, func(h common.Hash) bool { return n.ledger.final[h] })
	_ = n.replica.Step(n.waiting()) // a halted one refuses: counted above
}

// send signs new votes, puts everything on the network, and returns the own
// votes as inputs.
func (n *Node) send(messages []pbft.Outbound) []pbft.Input {
	var own []pbft.Input
	var packets []Packet
	for _, m := range messages {
		msg := pbft.Message{Vote: m.Vote, Batch: m.Batch, Certificate: m.Certificate, Checkpoint: m.Checkpoint, Status: m.Status, Fetch: m.Fetch, From: n.index}
		if m.Vote != nil && m.Vote.Signature == (consensus.Signature{}) {
			v := *m.Vote
			v.Signature = fakeSignature(&v)
			msg.Vote = &v
			if !n.voted.Ever || v.Epoch > n.voted.Epoch {
				n.voted = pbft.Voted{Known: true, Ever: true, Epoch: v.Epoch}
			}
			n.cluster.checks.signed(n, &v)
			own = append(own, msg)
		}
		for to := range n.cluster.Nodes {
			if to != n.index && (m.To == pbft.Everyone || m.To == to) {
				packets = append(packets, Packet{From: n.index, To: to, Message: msg})
			}
		}
	}
	if n.villain != nil {
		packets = n.villain.Send(n, packets)
	}
	n.cluster.Network = append(n.cluster.Network, packets...)
	return own
}

// work does checks and builds, and cuts the journal.
func (n *Node) work(rd *pbft.Ready) []pbft.Input {
	var in []pbft.Input
	for _, b := range rd.Check {
		in = append(in, pbft.BatchChecked{Digest: b.Digest(), Err: b.CheckHashes()})
	}
	for _, err := range rd.Refused {
		n.cluster.Rejections[reason(err)]++
	}
	if h := rd.Held; h != nil && (!n.voted.Ever || n.voted.Epoch < h.Hold-1) {
		n.voted = pbft.Voted{Known: true, Ever: true, Epoch: h.Hold - 1}
	}
	if rd.Rollback != nil {
		n.release(*rd.Rollback)
	}
	for _, o := range rd.Execute {
		for _, h := range o.Batch.Hashes {
			n.inflight[h] = o.Seq
		}
	}
	if rd.Stable != nil {
		for k := range n.journal {
			if k.seq > 0 && k.seq <= rd.Stable.Seq {
				delete(n.journal, k)
			}
		}
	}
	if rd.Build != nil {
		in = append(in, n.build(rd.Build))
	}
	return append(in, n.waiting())
}

func (n *Node) build(b *pbft.BuildRequest) pbft.Input {
	var hashes []common.Hash
	for _, h := range n.pool {
		if n.inflight[h] == 0 && len(hashes) < b.MaxTransactions {
			hashes = append(hashes, h)
		}
	}
	return pbft.BatchBuilt{View: b.View, Seq: b.Seq, Hashes: hashes}
}

// waiting says what the pool has that is in no batch in flight.
func (n *Node) waiting() pbft.Pool {
	var p pbft.Pool
	for _, h := range n.pool {
		if n.inflight[h] == 0 {
			if p.Executable++; p.Oldest == 0 {
				p.Oldest = binary.BigEndian.Uint64(h[:8])
			}
		}
	}
	return p
}

// release gives back what the batches above seq hold.
func (n *Node) release(seq consensus.Seq) {
	for h, at := range n.inflight {
		if at > seq {
			delete(n.inflight, h)
		}
	}
}

func (n *Node) refreshPool() error { return n.step(n.waiting()) }

// count adds up what the replica did, for the tables.
func (n *Node) count(rd *pbft.Ready) {
	c := n.cluster.Happened
	for _, a := range rd.Asked {
		c["asked: "+a.Why.String()]++
	}
	c["views entered"] += len(rd.Entered)
	if rd.Forward {
		c["forwarded"]++
	}
	if rd.Rollback != nil {
		c["rollbacks"]++
	}
	for _, rec := range rd.Persist {
		c["journal: "+recordNames[rec.Kind]]++
		if rec.Kind == pbft.RecordNewView && len(rec.Vote.NewView.O) > 0 {
			c["views that propose again"]++
		}
	}
}

var recordNames = map[pbft.RecordKind]string{
	pbft.RecordStable: "stable", pbft.RecordProposal: "proposal", pbft.RecordPrepared: "prepared",
	pbft.RecordViewChange: "view change", pbft.RecordNewView: "new view", pbft.RecordOpened: "opened",
}

func (n *Node) boundary(seq consensus.Seq) *pbft.Boundary {
	if seq == 0 || uint64(seq)%n.cluster.Params.EpochLength != 0 {
		return nil
	}
	h := n.ledger.chain[seq-1].hash
	return &pbft.Boundary{BlockHash: h, StateRoot: stateRoot(h), Next: n.cluster.Set}
}
