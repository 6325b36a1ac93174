package pbfttest

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// block is a final block of a node.
type block struct {
	batch *consensus.Batch
	cert  *consensus.CommitCertificate
	hash  common.Hash
	terms *terms // after it
}

// layer is an executed block that is not final.
type layer struct {
	seq          consensus.Seq
	digest, hash common.Hash
	compared     bool // with what others executed
}

// ledger is the chain of a node with the one loop that writes it, as the
// engine runs it: tasks in the order in which they were given, block sync
// between any two of them, results as inputs.
type ledger struct {
	node    *Node
	chain   []block // chain[0] is seq 1
	durable int     // how many of them survive a crash: imports are flushed late
	layers  []layer
	tasks   []func() []pbft.Input
	sync    *pbft.Target                  // a block sync that runs
	final   map[common.Hash]consensus.Seq // where it was executed
	ordered consensus.Seq                 // up to which executions were ordered since the start
}

func (l *ledger) crash() {
	for _, b := range l.chain[l.durable:] {
		for _, h := range b.batch.Hashes {
			if l.final[h] > consensus.Seq(l.durable) {
				delete(l.final, h)
			}
		}
	}
	l.chain = l.chain[:l.durable]
	l.layers, l.tasks, l.sync = nil, nil, nil
	l.ordered = 0
}

func (l *ledger) head() pbft.Head {
	if len(l.chain) == 0 {
		return pbft.Head{Digest: Genesis, BlockHash: Genesis}
	}
	b := l.chain[len(l.chain)-1]
	return pbft.Head{
		Seq: b.cert.Seq, Digest: b.cert.BatchDigest, BlockHash: b.hash, TimeMs: b.batch.Header.TimeMs, Certificate: b.cert,
		Pending: l.pending(b.cert.Seq),
	}
}

// give queues what a Ready wants, in the engine's order. An execution that is
// ordered before that of the batch below could never be done.
func (l *ledger) give(rd *pbft.Ready) {
	l.node.cluster.checks.violatedBy(l.orderly(rd))
	if rd.Rollback != nil {
		seq := *rd.Rollback
		l.tasks = append(l.tasks, func() []pbft.Input { return l.rollback(seq) })
	}
	for _, c := range rd.Committed {
		l.tasks = append(l.tasks, func() []pbft.Input { return l.commit(c) })
	}
	for _, o := range rd.Execute {
		l.tasks = append(l.tasks, func() []pbft.Input { return l.execute(o) })
	}
	if rd.Transfer != nil && l.sync == nil {
		l.sync = &pbft.Target{Seq: rd.Transfer.Seq, From: append(rd.Transfer.From, l.node.rules().Set.Addresses()...)} // as the engine does
	}
}

// orderly says what is wrong with the order of the executions that a Ready wants.
func (l *ledger) orderly(rd *pbft.Ready) error {
	if rd.Rollback != nil {
		l.ordered = min(l.ordered, *rd.Rollback)
	}
	l.ordered = max(l.ordered, l.head().Seq)
	for _, c := range rd.Committed {
		l.ordered = max(l.ordered, c.Certificate.Seq)
	}
	for _, o := range rd.Execute {
		if o.Seq > l.ordered+1 {
			return fmt.Errorf("order: node %d is to execute seq %d after %d", l.node.index, o.Seq, l.ordered)
		}
		l.ordered = max(l.ordered, o.Seq) // what the same Ready commits may be above
	}
	return nil
}

func (l *ledger) busy() bool { return len(l.tasks) > 0 || l.sync != nil }

// step does the next task, or lets block sync go on if there is none or, in a
// lazy cluster, by chance.
func (l *ledger) step() []pbft.Input {
	if l.sync != nil && (len(l.tasks) == 0 || l.node.cluster.chance(3)) {
		return l.syncOn()
	}
	return l.runTask()
}

func (l *ledger) runTask() []pbft.Input {
	task := l.tasks[0]
	l.tasks = l.tasks[1:]
	return task()
}

func (l *ledger) rollback(seq consensus.Seq) []pbft.Input {
	for i, x := range l.layers {
		if x.seq > seq {
			l.layers = l.layers[:i]
			break
		}
	}
	return nil
}

// execute is a pure function of the blocks before and the batch. It passes
// over what block sync has overtaken.
func (l *ledger) execute(o pbft.Order) []pbft.Input {
	hash, ok := l.speculate(o.Batch)
	if !ok {
		return nil
	}
	return []pbft.Input{pbft.Executed{Seq: o.Seq, Digest: o.Digest, BlockHash: hash}}
}

func (l *ledger) speculate(b *consensus.Batch) (common.Hash, bool) {
	head, digest := l.head(), l.node.cluster.digest(b)
	seq := b.Header.Seq
	if seq <= head.Seq || seq > head.Seq+1+consensus.Seq(len(l.layers)) {
		return common.Hash{}, false
	}
	at := int(seq - head.Seq - 1)
	parent, parentDigest := head.BlockHash, head.Digest
	if at > 0 {
		parent, parentDigest = l.layers[at-1].hash, l.layers[at-1].digest
	}
	if b.Header.ParentDigest != parentDigest || at >= int(l.node.cluster.Params.PipelineDepth) {
		return common.Hash{}, false
	}
	if at < len(l.layers) && l.layers[at].digest == digest {
		return l.layers[at].hash, true
	}
	hash := crypto.Keccak256Hash(parent[:], digest[:])
	if l.node.Corrupt {
		hash = crypto.Keccak256Hash(hash[:])
	}
	l.layers = append(l.layers[:at:at], layer{seq: seq, digest: digest, hash: hash})
	return hash, true
}

// commit makes one block final. What block sync has imported already becomes
// durable with that sync, which says so.
func (l *ledger) commit(c pbft.Committed) []pbft.Input {
	seq := c.Certificate.Seq
	if seq != l.head().Seq+1 {
		return nil
	}
	hash, ok := l.speculate(c.Batch)
	if !ok || hash != c.Certificate.BlockHash {
		return []pbft.Input{pbft.Diverged{Seq: seq, Err: pbft.ErrDivergence}}
	}
	l.append(block{batch: c.Batch, cert: c.Certificate, hash: hash})
	l.durable = len(l.chain)
	return []pbft.Input{l.outcome(seq)}
}

func (l *ledger) append(b block) {
	b.terms = l.terms().proposed(l.node.cluster.rulesAt(b.cert.Seq), b.batch.Header.OriginView)
	if len(l.layers) > 0 && l.layers[0].hash == b.hash {
		l.layers = l.layers[1:]
	} else {
		l.layers = nil
	}
	for _, h := range b.batch.Hashes {
		if l.final[h] != 0 {
			l.node.cluster.counts.note("doubled transactions passed over")
			continue
		}
		l.final[h] = b.cert.Seq
		b.terms = l.node.cluster.decided(b.terms, h)
	}
	l.chain = append(l.chain, b)
	l.closeEpoch()
	l.node.forget(b.batch.Hashes, b.cert.Seq)
}

// syncOn imports one block from somebody asked who is reachable and has it, or
// ends the sync.
func (l *ledger) syncOn() []pbft.Input {
	c := l.node.cluster
	for _, who := range l.sync.From {
		i := idOf(who)
		other := &c.Nodes[i].ledger
		if i != l.node.index && c.reachable(l.node.index, i) && len(l.chain) < len(other.chain) && !l.node.Corrupt {
			l.append(other.chain[len(l.chain)])
			l.node.cluster.counts.note("blocks by block sync")
			return nil
		}
	}
	l.sync, l.durable = nil, len(l.chain)
	in := pbft.Synced{Head: l.head()}
	start := l.epochOf(max(in.Head.Seq, 1))
	in.Epoch = &start
	if in.Head.Seq == start.Last() {
		return []pbft.Input{in, l.outcome(in.Head.Seq)}
	}
	return []pbft.Input{in}
}

func stateRoot(h common.Hash) common.Hash { return crypto.Keccak256Hash(h[:]) }
