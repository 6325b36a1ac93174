package pbfttest

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// checker holds what honest nodes ever signed, executed and committed, to
// compare with. The numbers are those of docs/protocol.md, Invariants.
type checker struct {
	votes    map[place]consensus.Signature
	order    map[consensus.Seq]common.Hash    // batch digest with a certificate
	blocks   map[consensus.Seq]common.Hash    // block hash with a certificate
	executed map[common.Hash]common.Hash      // block hash of a batch
	checked  []int                            // per node, how much of its chain was compared
	grown    []progress                       // per node, since its start
	promises map[promise]consensus.View       // of honest nodes
	opened   map[viewPlace]common.Hash        // base and O of each view that was entered
	views    map[consensus.Seq]consensus.View // view of the certificate in order
	steps    int
	err      error // the first violation that was seen where no error can be returned
}

type place struct {
	node  int
	kind  consensus.Kind
	epoch consensus.Epoch
	view  consensus.View
	seq   consensus.Seq
}

type promise struct {
	node  int
	epoch consensus.Epoch
}

type viewPlace struct {
	epoch consensus.Epoch
	view  consensus.View
}

// progress is what never goes back.
type progress struct {
	committed, stable consensus.Seq
	epoch             consensus.Epoch
	view              consensus.View
}

func (k *checker) init() {
	*k = checker{
		votes: map[place]consensus.Signature{}, order: map[consensus.Seq]common.Hash{}, blocks: map[consensus.Seq]common.Hash{},
		executed: map[common.Hash]common.Hash{},
		promises: map[promise]consensus.View{}, opened: map[viewPlace]common.Hash{}, views: map[consensus.Seq]consensus.View{},
	}
}

// meet makes room for one more node.
func (k *checker) meet() { k.checked, k.grown = append(k.checked, 0), append(k.grown, progress{}) }

// born forgets what a node's last run had reached: an import that was not
// flushed may be gone.
func (k *checker) born(n *Node) {
	k.grown[n.index] = progress{}
	k.checked[n.index] = min(k.checked[n.index], len(n.ledger.chain))
}

func (k *checker) violated(format string, args ...any) {
	if k.err == nil {
		k.err = fmt.Errorf(format, args...)
	}
}

func (k *checker) violatedBy(err error) {
	if err != nil && k.err == nil {
		k.err = err
	}
}

// signed checks I4 and I7: one statement per place, across restarts, and what
// it says is durable by now.
func (k *checker) signed(n *Node, v *consensus.Vote) {
	p := place{n.index, v.Kind, v.Epoch, v.View, v.Seq}
	if old, twice := k.votes[p]; twice && old != v.Signature { // a fake signature is a hash of the statement
		k.violated("I4: node %d signs two %ss at %+v", n.index, v.Kind, p)
	}
	k.votes[p] = v.Signature
	if v.Kind == consensus.Checkpoint {
		if n.ledger.durable < int(v.Seq) {
			k.violated("I7: node %d sends CHECKPOINT %d with %d durable blocks", n.index, v.Seq, n.ledger.durable)
		}
		return
	}
	mine := promise{n.index, v.Epoch}
	if v.View < k.promises[mine] {
		k.violated("I4: node %d sends %s in view %d below its promise %d", n.index, v.Kind, v.View, k.promises[mine])
	}
	if v.Kind == consensus.ViewChange {
		k.promises[mine] = v.View
		// One that was asked for in the same round, or in the epoch that it has
		// entered meanwhile, may have replaced it.
		r, ok := n.journal[journalKey{kind: pbft.RecordViewChange}]
		if !ok || r.Vote.Epoch < v.Epoch || r.Vote.Epoch == v.Epoch && (r.Vote.View < v.View || r.Vote.View == v.View && r.Vote.Change != v.Change && !r.Vote.SameStatement(v)) {
			k.violated("I7: node %d sends VIEW-CHANGE %d that the journal does not hold", n.index, v.View)
		}
		return
	}
	view, ok := n.journal[journalKey{kind: pbft.RecordNewView}]
	if v.View > 0 && (!ok || view.Vote.Epoch == v.Epoch && view.Vote.View < v.View) {
		k.violated("I7: node %d sends %s in view %d that the journal does not hold", n.index, v.Kind, v.View)
	}
	if v.Kind == consensus.NewView || n.holdsCommitted(v) {
		return
	}
	if r, ok := n.journal[journalKey{pbft.RecordProposal, v.Seq, v.View}]; !ok || n.cluster.digest(r.Batch) != v.Digest {
		k.violated("I7: node %d sends %s %d without its batch in the journal", n.index, v.Kind, v.Seq)
	}
	if r, ok := n.journal[journalKey{pbft.RecordPrepared, v.Seq, v.View}]; v.Kind == consensus.Commit && (!ok || r.BlockHash != v.BlockHash) {
		k.violated("I7: node %d sends COMMIT %d without its lock in the journal", n.index, v.Seq)
	}
}

// holdsCommitted reports whether a PREPARE answers for a proposal of the
// NEW-VIEW that is final on disk, or journalled in an earlier view.
func (n *Node) holdsCommitted(v *consensus.Vote) bool {
	if v.Kind != consensus.Prepare || v.View == 0 {
		return false
	}
	if int(v.Seq) <= n.ledger.durable {
		return n.ledger.chain[v.Seq-1].cert.BatchDigest == v.Digest
	}
	for key, r := range n.journal {
		if key.kind == pbft.RecordProposal && key.seq == v.Seq && key.view < v.View && n.cluster.digest(r.Batch) == v.Digest {
			return true
		}
	}
	return false
}

// persisted checks I6: all honest replicas enter a view of an honest primary
// with the same base and O, and base and O cover what was committed in earlier
// views. A faulty primary may have two NEW-VIEWs of one view, both right, from
// two choices of VIEW-CHANGEs.
func (k *checker) persisted(n *Node, rec *pbft.Record) error {
	if rec.Kind != pbft.RecordNewView || n.villain != nil {
		return nil
	}
	var bodies []*consensus.ViewChangeBody
	for _, c := range rec.Changes {
		bodies = append(bodies, c.Change)
	}
	rules := n.cluster.rulesOf(rec.Vote.Epoch)
	first := rules.First
	base, digest := first-1, common.Hash{}
	for _, b := range bodies {
		if s := b.BaseSeq(first); s > base {
			base, digest = s, b.Base[0].BatchDigest
		}
	}
	says := crypto.Keccak256Hash(digest[:], []byte(fmt.Sprint(base, rec.Vote.NewView.O)))
	at := viewPlace{rec.Vote.Epoch, rec.Vote.View}
	if old, ok := k.opened[at]; ok && old != says && n.cluster.Nodes[n.cluster.validator(rec.Vote.Epoch, rec.Vote.Sender)].villain == nil {
		return fmt.Errorf("I6: node %d enters view %d with another O", n.index, rec.Vote.View)
	}
	k.opened[at] = says
	o := rec.Vote.NewView.O
	for seq := base + 1; seq <= rules.Last(); seq++ {
		want, ok := k.order[seq]
		if !ok || k.views[seq] >= rec.Vote.View {
			continue
		}
		if i := int(seq - base - 1); i >= len(o) || o[i].Digest != want {
			return fmt.Errorf("I6: node %d enters view %d, whose O does not hold the committed seq %d", n.index, rec.Vote.View, seq)
		}
	}
	return nil
}

// ready checks what a replica wants done: evidence never names an honest
// validator (I12), an honest replica with a sound executor never halts, and a
// stable checkpoint is durable at f+1 honest replicas (I10).
func (k *checker) ready(n *Node, rd *pbft.Ready) error {
	c := n.cluster
	for _, e := range rd.Evidence {
		c.counts.note("evidence")
		if who := c.validator(e.First.Epoch, e.Offender); c.Nodes[who].villain == nil {
			return fmt.Errorf("I12: node %d accuses honest node %d: %s view %d seq %d %x and %s view %d seq %d %x", n.index, who,
				e.First.Kind, e.First.View, e.First.Seq, e.First.Digest[:2], e.Second.Kind, e.Second.View, e.Second.Seq, e.Second.Digest[:2])
		}
	}
	if rd.Halt != nil && !n.Corrupt && !c.anyCorrupt() {
		return fmt.Errorf("node %d halts: %w", n.index, rd.Halt)
	}
	if rd.Stable != nil {
		durable, set := 0, c.rulesOf(rd.Stable.Epoch).Set
		for _, o := range c.Nodes {
			if _, member := set.Index(o.address()); member && o.villain == nil && o.ledger.durable >= int(rd.Stable.Seq) {
				durable++
			}
		}
		if durable < set.WeakQuorum() {
			return fmt.Errorf("I10: checkpoint %d is durable at %d honest nodes", rd.Stable.Seq, durable)
		}
	}
	return nil
}

// check checks what changed at n since the last call.
func (k *checker) check(c *Cluster, n *Node) error {
	if k.err != nil {
		return k.err
	}
	if err := k.checkGrowth(n); err != nil {
		return err
	}
	if k.steps++; k.steps%storedEvery == 0 {
		if got, bound := n.replica.Stored(), n.storedBound(); got > bound {
			return fmt.Errorf("I11: node %d stores %d messages, the bound is %d", n.index, got, bound)
		}
	}
	for i := range n.ledger.layers {
		l := &n.ledger.layers[i]
		if l.compared || n.Corrupt {
			continue
		}
		if old, ok := k.executed[l.digest]; ok && old != l.hash {
			return fmt.Errorf("I9: batch %s executes to %s and %s", l.digest, old, l.hash)
		}
		k.executed[l.digest], l.compared = l.hash, true
	}
	for ; k.checked[n.index] < len(n.ledger.chain); k.checked[n.index]++ {
		if err := k.checkBlock(c, n, k.checked[n.index]); err != nil {
			return err
		}
	}
	return nil
}

// storedEvery is how many steps pass between two looks at what a replica
// stores.
const storedEvery = 61

// storedBound is the most that n may store: votes of a window and of the
// journal's reach, memories of an epoch, the room for later views, and one
// VIEW-CHANGE of each validator, once by itself and once per NEW-VIEW.
func (n *Node) storedBound() int {
	rules := n.rules()
	p, size, q := rules.Params, rules.Set.Len(), rules.Set.Quorum()
	w, k := int(p.PipelineDepth), int(p.EpochLength)
	change := 1 + size + min(k, 4*w)*size
	perSeq := 3*size + 2*(int(n.replica.Standing().Active)+1)
	if perSeq > 100*size {
		perSeq = 100 * size
	}
	return 2*w + k*perSeq + (k+2*w)*2*size + size*4*w + size*change + size*q*change + size
}

// checkGrowth checks I8.
func (k *checker) checkGrowth(n *Node) error {
	r, old := n.replica.Standing(), k.grown[n.index]
	now := progress{r.Committed, r.Stable, r.Epoch, r.View}
	if now.committed < old.committed || now.stable < old.stable || now.epoch < old.epoch || now.epoch == old.epoch && now.view < old.view {
		return fmt.Errorf("I8: node %d goes back from %+v to %+v", n.index, old, now)
	}
	k.grown[n.index] = now
	return nil
}

// checkBlock checks I1, I2 and I5.
func (k *checker) checkBlock(c *Cluster, n *Node, i int) error {
	b := n.ledger.chain[i]
	seq := b.cert.Seq
	if d, ok := k.order[seq]; ok && d != b.cert.BatchDigest {
		return fmt.Errorf("I1: seq %d: two batches committed", seq)
	}
	if h, ok := k.blocks[seq]; ok && h != b.hash {
		return fmt.Errorf("I1: seq %d: two blocks committed", seq)
	}
	if v, ok := k.views[seq]; !ok || b.cert.View < v {
		k.views[seq] = b.cert.View
	}
	k.order[seq], k.blocks[seq] = b.cert.BatchDigest, b.hash
	parent := Genesis
	if i > 0 {
		parent = n.ledger.chain[i-1].cert.BatchDigest
	}
	if int(seq) != i+1 || b.batch.Header.ParentDigest != parent || c.digest(b.batch) != b.cert.BatchDigest {
		return fmt.Errorf("I2: node %d: block %d of its chain is seq %d and does not link", n.index, i+1, seq)
	}
	for _, h := range b.batch.Hashes {
		if !c.submitted[h] {
			return fmt.Errorf("I3: node %d: block %d holds transaction %s, which nobody signed", n.index, seq, h)
		}
	}
	if err := c.verifyOther(&pbft.Message{Certificate: b.cert}); err != nil {
		return fmt.Errorf("I5: node %d: certificate of %d: %w", n.index, seq, err)
	}
	return nil
}
