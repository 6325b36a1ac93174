package pbfttest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

type journalKey struct {
	kind pbft.RecordKind
	seq  consensus.Seq
	view consensus.View
}

// block is a final block of a node: durable, it survives crashes.
type block struct {
	batch *consensus.Batch
	cert  *consensus.CommitCertificate
	hash  common.Hash
}

// Node is one validator with what the engine would give it.
type Node struct {
	cluster *Cluster
	index   int
	replica *pbft.Replica // nil while crashed

	journal map[journalKey]pbft.Record // durable
	chain   []block                    // durable; chain[0] is seq 1
	pool    []common.Hash

	executed map[consensus.Seq]common.Hash // speculative block hashes
	inflight map[common.Hash]bool
	// Corrupt makes execution come out wrong.
	Corrupt bool
}

// start builds the replica from what is durable.
func (n *Node) start() error {
	n.executed = map[consensus.Seq]common.Hash{}
	n.inflight = map[common.Hash]bool{}
	head := n.head()
	epoch := consensus.EpochOf(head.Seq+1, n.cluster.Params.EpochLength)
	last := head.Seq > 0 && head.Seq == consensus.LastSeq(epoch-1, n.cluster.Params.EpochLength)
	if stable, ok := n.journal[journalKey{kind: pbft.RecordStable}]; last && (!ok || stable.Stable.Seq < head.Seq) {
		epoch--
	}
	r, err := pbft.New(pbft.Config{Self: n.cluster.Set.Address(n.index), Params: n.cluster.Params, FullBatch: 4},
		pbft.Start{Head: head, Epoch: pbft.EpochStart{Epoch: epoch, Set: n.cluster.Set}, NowMs: n.cluster.NowMs, Journal: n.records()})
	if err != nil {
		return fmt.Errorf("node %d: %w", n.index, err)
	}
	n.replica = r
	if b := n.boundary(head.Seq); b != nil {
		return n.step(pbft.Durable{Seq: head.Seq, Boundary: b})
	}
	return n.drain()
}

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

func (n *Node) head() pbft.Head {
	if len(n.chain) == 0 {
		return pbft.Head{Digest: Genesis, BlockHash: Genesis}
	}
	b := n.chain[len(n.chain)-1]
	return pbft.Head{Seq: b.cert.Seq, Digest: b.cert.BatchDigest, BlockHash: b.hash, TimeMs: b.batch.Header.TimeMs}
}

func (n *Node) boundary(seq consensus.Seq) *pbft.Boundary {
	if seq == 0 || uint64(seq)%n.cluster.Params.EpochLength != 0 {
		return nil
	}
	h := n.chain[seq-1].hash
	return &pbft.Boundary{BlockHash: h, StateRoot: crypto.Keccak256Hash(h[:]), Next: n.cluster.Set}
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

// drain does what the engine does with every Ready, until there is none.
func (n *Node) drain() error {
	for n.replica != nil {
		rd := n.replica.Ready()
		if rd.Empty() {
			return n.cluster.checks.check(n.cluster)
		}
		for _, rec := range rd.Persist {
			n.journal[journalKey{rec.Kind, rec.Seq, rec.View}] = rec
		}
		own := n.send(rd.Messages)
		inputs, err := n.work(&rd)
		if err != nil {
			return err
		}
		for _, in := range append(own, inputs...) {
			if err := n.replica.Step(in); err != nil {
				n.cluster.Rejections[reason(err)]++
			}
		}
	}
	return nil
}

// send signs new votes, puts everything on the network, and returns the own
// votes as inputs.
func (n *Node) send(messages []pbft.Outbound) []pbft.Input {
	var own []pbft.Input
	for _, m := range messages {
		msg := pbft.Message{Vote: m.Vote, Batch: m.Batch, Certificate: m.Certificate, Checkpoint: m.Checkpoint, Status: m.Status, From: n.index}
		if m.Vote != nil && m.Vote.Signature == (consensus.Signature{}) {
			v := *m.Vote
			v.Signature = fakeSignature(&v)
			msg.Vote = &v
			n.cluster.checks.signed(n, &v)
			own = append(own, msg)
		}
		for to := range n.cluster.Nodes {
			if to != n.index && (m.To == pbft.Everyone || m.To == to) {
				n.cluster.Network = append(n.cluster.Network, Packet{From: n.index, To: to, Message: msg})
			}
		}
	}
	return own
}

// fakeSignature is distinct per signer and statement.
func fakeSignature(v *consensus.Vote) consensus.Signature {
	var s consensus.Signature
	h := crypto.Keccak256(v.Preimage(consensus.Domain{}))
	copy(s[:], h)
	s[32] = byte(v.Sender + 1)
	return s
}

// work does checks, builds, executions, commits and transfers.
func (n *Node) work(rd *pbft.Ready) ([]pbft.Input, error) {
	var in []pbft.Input
	for _, b := range rd.Check {
		in = append(in, pbft.BatchChecked{Digest: b.Digest(), Err: b.CheckHashes()})
	}
	if rd.Rollback != nil {
		n.executed = map[consensus.Seq]common.Hash{}
	}
	for _, o := range rd.Execute {
		hash, err := n.execute(o)
		if err != nil {
			return nil, err
		}
		in = append(in, pbft.Executed{Seq: o.Seq, Digest: o.Digest, BlockHash: hash})
	}
	for _, c := range rd.Committed {
		if err := n.commit(c); err != nil {
			return nil, err
		}
		in = append(in, pbft.Durable{Seq: c.Certificate.Seq, Boundary: n.boundary(c.Certificate.Seq)})
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
	if rd.Transfer != nil {
		in = append(in, n.transfer(rd.Transfer)...)
	}
	return append(in, pbft.Pool{Executable: n.executable()}), nil
}

func (n *Node) build(b *pbft.BuildRequest) pbft.Input {
	var hashes []common.Hash
	for _, h := range n.pool {
		if !n.inflight[h] && len(hashes) < b.MaxTransactions {
			hashes = append(hashes, h)
		}
	}
	return pbft.BatchBuilt{View: b.View, Seq: b.Seq, Hashes: hashes}
}

func (n *Node) executable() int {
	k := 0
	for _, h := range n.pool {
		if !n.inflight[h] {
			k++
		}
	}
	return k
}

func (n *Node) refreshPool() error { return n.step(pbft.Pool{Executable: n.executable()}) }

// execute is a pure function of the blocks before and the batch.
func (n *Node) execute(o pbft.Order) (common.Hash, error) {
	parent, ok := n.executed[o.Seq-1]
	if head := n.head(); o.Seq == head.Seq+1 {
		parent, ok = head.BlockHash, true
	}
	if !ok {
		return common.Hash{}, fmt.Errorf("node %d executes %d without %d", n.index, o.Seq, o.Seq-1)
	}
	hash := crypto.Keccak256Hash(parent[:], o.Digest[:])
	if n.Corrupt {
		hash = crypto.Keccak256Hash(hash[:])
	}
	n.executed[o.Seq] = hash
	for _, h := range o.Batch.Hashes {
		n.inflight[h] = true
	}
	return hash, nil
}

func (n *Node) commit(c pbft.Committed) error {
	seq := c.Certificate.Seq
	if want := consensus.Seq(len(n.chain) + 1); seq != want {
		return fmt.Errorf("node %d commits %d, its head is %d", n.index, seq, want-1)
	}
	if n.executed[seq] != c.Certificate.BlockHash {
		return fmt.Errorf("node %d commits %d with another block hash than it executed", n.index, seq)
	}
	n.append(block{batch: c.Batch, cert: c.Certificate, hash: c.Certificate.BlockHash})
	return nil
}

func (n *Node) append(b block) {
	n.chain = append(n.chain, b)
	n.pool = slices.DeleteFunc(n.pool, func(h common.Hash) bool { return slices.Contains(b.batch.Hashes, h) })
}

// transfer is block sync: the blocks of the longest chain among those asked.
func (n *Node) transfer(t *pbft.Target) []pbft.Input {
	for _, i := range t.From {
		if n.cluster.Cut[[2]int{i, n.index}] || n.cluster.Nodes[i].replica == nil {
			continue
		}
		for other := n.cluster.Nodes[i]; len(n.chain) < len(other.chain); {
			n.append(other.chain[len(n.chain)])
		}
	}
	in := pbft.Synced{Head: n.head()}
	k := n.cluster.Params.EpochLength
	if next := consensus.EpochOf(in.Head.Seq+1, k); in.Head.Seq > 0 {
		if b := n.boundary(in.Head.Seq); b == nil {
			in.Epoch = &pbft.EpochStart{Epoch: next, Set: n.cluster.Set}
		} else {
			in.Epoch = &pbft.EpochStart{Epoch: next - 1, Set: n.cluster.Set}
			return []pbft.Input{in, pbft.Durable{Seq: in.Head.Seq, Boundary: b}}
		}
	}
	return []pbft.Input{in}
}
