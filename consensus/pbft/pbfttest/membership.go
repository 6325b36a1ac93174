package pbfttest

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// This file is what the state of a simulated chain says about its validators.
// Some transactions are decisions of the members: by the last one in an epoch the
// next begins with another set, another length and another span. Who was replaced
// as primary is suspended, for a shorter time than in package registry, which has
// the real rule.

// terms are what the state holds for the epoch that comes next.
type terms struct {
	set    *consensus.ValidatorSet
	params consensus.Params
	failed []failure // the oldest first

	epoch consensus.Epoch // of view
	view  consensus.View  // the highest originView in epoch
}

// failure is a primary that was replaced.
type failure struct {
	who   common.Address
	until consensus.Epoch // suspended up to it
}

// suspendedFor is how many epochs a suspension lasts.
const suspendedFor = 4

// beginTerms fills in what the genesis says.
func (c *Cluster) beginTerms() {
	c.genesis = &terms{set: c.Set, params: c.Params}
	c.rules = []*consensus.EpochRules{c.genesis.open(0, 1)}
}

func (t *terms) open(e consensus.Epoch, first consensus.Seq) *consensus.EpochRules {
	return &consensus.EpochRules{Epoch: e, First: first, Set: t.set, Suspended: t.suspended(e), Params: t.params}
}

// suspended lists the f members that failed last, in ascending order.
func (t *terms) suspended(e consensus.Epoch) []common.Address {
	var out []common.Address
	for _, f := range slices.Backward(t.failed) {
		if _, member := t.set.Index(f.who); member && f.until >= e && len(out) < t.set.F() && !slices.Contains(out, f.who) {
			out = append(out, f.who)
		}
	}
	slices.SortFunc(out, common.Address.Cmp)
	return out
}

// proposed returns the terms after a batch that was proposed in a view: the
// primary of the view before it has failed.
func (t *terms) proposed(rules *consensus.EpochRules, view consensus.View) *terms {
	if view == 0 || t.epoch == rules.Epoch && view <= t.view {
		return t
	}
	next := *t
	next.epoch, next.view = rules.Epoch, view
	who := rules.Set.Address(rules.Schedule().NewViewPrimary(view - 1))
	next.failed = append(slices.Clone(t.failed), failure{who, rules.Epoch + suspendedFor})
	return &next
}

// decided returns the terms after a transaction, the same ones if it decides
// nothing. A decision is a function of its transaction and of nothing else.
func (c *Cluster) decided(now *terms, tx common.Hash) *terms {
	if c.changes == 0 || uint64(tx[30])<<8|uint64(tx[31]) >= 1<<16/c.changes {
		return now
	}
	next := *now
	next.set, next.params = c.chooseSet(tx), c.Params
	k, r := c.Params.EpochLength, c.Params.PrimarySpan
	next.params.EpochLength = []uint64{k, k + 1, (k + 1) / 2, 2 * k}[tx[20]%4]
	if r > 0 {
		next.params.PrimarySpan = r + uint64(tx[21]%3)
	} else { // a stable primary stays one, and epochs longer than its window
		next.params.EpochLength = max(next.params.EpochLength, k)
	}
	return &next
}

// chooseSet leaves out some of the validators, as far as those who are faulty, or
// will be, remain no more than f of the rest.
func (c *Cluster) chooseSet(tx common.Hash) *consensus.ValidatorSet {
	if set := c.sets[tx]; set != nil {
		return set
	}
	n := c.Set.Len()
	in := make([]bool, n)
	faulty, size := 0, n
	for i := range in {
		in[i] = true
		if c.unsound[i] {
			faulty++
		}
	}
	for i := range n {
		who := (i + int(tx[22])) % n // everybody has the same chance
		if tx[i%20]&3 != 0 || size == 1 {
			continue
		}
		left := faulty
		if c.unsound[who] {
			left--
		}
		if left <= (size-2)/3 {
			in[who], faulty, size = false, left, size-1
		}
	}
	var list []common.Address
	for i, member := range in {
		if member {
			list = append(list, c.Set.Address(i))
		}
	}
	set, err := consensus.NewValidatorSet(list)
	if err != nil {
		panic(err) // one is always left
	}
	if c.sets == nil {
		c.sets = map[common.Hash]*consensus.ValidatorSet{}
	}
	c.sets[tx] = set
	return set
}

// rulesOf returns the rules of an epoch; of one that no chain has reached those
// of the newest, by which nothing of it can be valid.
func (c *Cluster) rulesOf(e consensus.Epoch) *consensus.EpochRules {
	return c.rules[min(uint64(e), uint64(len(c.rules)-1))]
}

// rulesAt returns the rules of the epoch that decides seq, which some chain has
// reached.
func (c *Cluster) rulesAt(seq consensus.Seq) *consensus.EpochRules {
	i := len(c.rules) - 1
	for i > 0 && c.rules[i].First > seq {
		i--
	}
	return c.rules[i]
}

// validator returns the number of the validator with a sender index in epoch e,
// −1 if there is none.
func (c *Cluster) validator(e consensus.Epoch, sender uint64) int {
	set := c.rulesOf(e).Set
	if sender >= uint64(set.Len()) {
		return -1
	}
	return idOf(set.Address(int(sender)))
}

// idOf is the inverse of Set.Address.
func idOf(a common.Address) int { return int(a[common.AddressLength-1]) - 1 }

// address is that of the node's key.
func (n *Node) address() common.Address { return n.cluster.Set.Address(n.id) }

// sender returns the node's sender index in epoch e. Who is not of its set takes
// that of somebody else: nothing that it signs is valid.
func (n *Node) sender(e consensus.Epoch) uint64 {
	i, _ := n.cluster.rulesOf(e).Set.Index(n.address())
	return uint64(i)
}

// rules are those of the epoch that the node's replica is in.
func (n *Node) rules() *consensus.EpochRules { return n.cluster.rulesOf(n.replica.Standing().Epoch) }

// outside reports whether the node is not of the set of the epoch that its
// replica is in: it follows, by block sync alone if the cluster's outsiders are
// deaf.
func (n *Node) outside() bool {
	_, member := n.rules().Set.Index(n.address())
	return !member
}

// reaches reports whether what n says to everybody is sent to another: STATUS
// goes to the members of the epoch, votes are gossip, which the cluster's
// outsiders hear or not.
func (n *Node) reaches(other *Node, m *pbft.Outbound) bool {
	if m.Status != nil {
		_, member := n.rules().Set.Index(other.address())
		return member
	}
	return other.replica == nil || !n.cluster.deaf || !other.outside()
}

// terms returns what the state after the node's head says.
func (l *ledger) terms() *terms { return l.termsAt(len(l.chain)) }

func (l *ledger) termsAt(seq int) *terms {
	if seq == 0 {
		return l.node.cluster.genesis
	}
	return l.chain[seq-1].terms
}

// closeEpoch opens the next epoch if the head ends one, the first time that a
// chain gets there; the others must come to the same.
func (l *ledger) closeEpoch() {
	c, head := l.node.cluster, consensus.Seq(len(l.chain))
	now := c.rulesAt(head)
	if head != now.Last() {
		return
	}
	next := l.terms().open(now.Epoch+1, head+1)
	if int(next.Epoch) < len(c.rules) {
		if !sameRules(c.rules[next.Epoch], next) {
			c.checks.violated("I1: node %d begins epoch %d by other rules", l.node.index, next.Epoch)
		}
		return
	}
	if !sameSet(next.Set, now.Set) || next.Params != now.Params {
		c.counts.note("epochs with other rules")
	}
	if len(next.Suspended) > 0 {
		c.counts.note("epochs with suspended primaries")
	}
	c.rules = append(c.rules, next)
}

// pending reports whether the state after seq has other rules for the next epoch
// than for the one that seq+1 belongs to.
func (l *ledger) pending(seq consensus.Seq) bool {
	t, now := l.termsAt(int(seq)), l.node.cluster.rulesAt(seq+1)
	return !sameSet(t.set, now.Set) || t.params != now.Params
}

func sameRules(a, b *consensus.EpochRules) bool {
	return a.First == b.First && sameSet(a.Set, b.Set) && slices.Equal(a.Suspended, b.Suspended) && a.Params == b.Params
}

func sameSet(a, b *consensus.ValidatorSet) bool {
	return a == b || slices.Equal(a.Addresses(), b.Addresses())
}

// outcome is the input that follows a durable block.
func (l *ledger) outcome(seq consensus.Seq) pbft.Durable {
	c := l.node.cluster
	in := pbft.Durable{Seq: seq}
	if seq == 0 {
		return in
	}
	if rules := c.rulesAt(seq); seq == rules.Last() {
		h := l.chain[seq-1].hash
		in.Boundary = &pbft.Boundary{BlockHash: h, StateRoot: stateRoot(h), Next: c.rules[rules.Epoch+1]}
		return in
	}
	if in.Pending = l.pending(seq); in.Pending {
		c.counts.note("blocks before a change")
	}
	return in
}

// epochOf returns the start of the epoch that seq belongs to, which is at most
// one above the head.
func (l *ledger) epochOf(seq consensus.Seq) pbft.EpochStart {
	start := pbft.EpochStart{EpochRules: l.node.cluster.rulesAt(seq), Parent: Genesis}
	if start.First > 1 {
		start.Parent = l.chain[start.First-2].cert.BatchDigest
		start.Before = l.node.cluster.rules[start.Epoch-1].Set
	}
	return start
}
