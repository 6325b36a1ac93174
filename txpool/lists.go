package txpool

// link is a position in an intrusive list: adding and removing allocate nothing.
type link struct {
	prev, next *link
	acct       *account
	in         *list
}

// list is a doubly linked list of accounts.
type list struct {
	head, tail *link
	n          int
}

func (l *list) pushBack(k *link) {
	k.in, k.prev, k.next = l, l.tail, nil
	if l.tail != nil {
		l.tail.next = k
	} else {
		l.head = k
	}
	l.tail = k
	l.n++
}

func (l *list) pushFront(k *link) {
	k.in, k.prev, k.next = l, nil, l.head
	if l.head != nil {
		l.head.prev = k
	} else {
		l.tail = k
	}
	l.head = k
	l.n++
}

// unlink removes k from whatever list it is in.
func (k *link) unlink() {
	l := k.in
	if l == nil {
		return
	}
	if k.prev != nil {
		k.prev.next = k.next
	} else {
		l.head = k.next
	}
	if k.next != nil {
		k.next.prev = k.prev
	} else {
		l.tail = k.prev
	}
	k.prev, k.next, k.in = nil, nil, nil
	l.n--
}

// weights sorts accounts by the slots they hold: buckets[w] lists those with w,
// the longest there first. All operations are O(1) but for the walk down from
// the heaviest, which every later addition has paid for.
type weights struct {
	buckets []list
	max     int // no bucket above it has an account
}

// newWeights needs the largest weight of one account: links point into buckets,
// which therefore never move.
func newWeights(max int) *weights { return &weights{buckets: make([]list, max+1)} }

// update puts the account where its slots belong.
func (w *weights) update(a *account) {
	slots := min(a.slots, len(w.buckets)-1)
	if a.weight.in == &w.buckets[slots] && slots > 0 {
		return
	}
	a.weight.unlink()
	if slots > 0 {
		w.buckets[slots].pushBack(&a.weight)
		w.max = max(w.max, slots)
	}
}

// heaviest returns the account with the most slots, or nil.
func (w *weights) heaviest() *account {
	for w.max > 0 && w.buckets[w.max].n == 0 {
		w.max--
	}
	if w.max == 0 {
		return nil
	}
	return w.buckets[w.max].head.acct
}
