package eth

import (
	"errors"
	"sync"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// errFilterNotFound is geth's text, which clients match to make a new filter.
var errFilterNotFound = errors.New("filter not found")

type filterKind byte

const (
	logFilter filterKind = iota
	blockFilter
	pendingFilter
)

// filter is a place in a sequence that only grows: blocks are final, so what is
// new for a client is what lies between its place and the head, and can be read
// from the chain when it asks. Nothing is collected for it meanwhile.
type filter struct {
	kind   filterKind
	crit   Criteria      // of a log filter
	full   bool          // a pending filter tells transactions, not hashes
	turn   chan struct{} // one poll at a time: it holds next
	next   uint64        // block, or number of a pending transaction, to tell next
	polled time.Time     // guarded by filters.mu
}

// values is the number of addresses and topics that the filter holds.
func (f *filter) values() int {
	n := len(f.crit.Addresses)
	for _, topics := range f.crit.Topics {
		n += len(topics)
	}
	return n
}

// filters are those of all clients. Safe for concurrent use. There is no clock
// at work: what has expired is removed when somebody comes.
type filters struct {
	most, mostValues int
	timeout          time.Duration

	mu     sync.Mutex
	all    map[gethrpc.ID]*filter
	values int // of all
}

func newFilters(l rpc.Limits) *filters {
	return &filters{most: l.Filters, mostValues: l.FilterValues, timeout: l.FilterTimeout, all: make(map[gethrpc.ID]*filter)}
}

// add takes a filter in and names it.
func (fs *filters) add(f *filter) (gethrpc.ID, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	now := time.Now()
	if len(fs.all) >= fs.most || fs.values+f.values() > fs.mostValues {
		fs.sweep(now)
	}
	switch {
	case len(fs.all) >= fs.most:
		return "", rpc.LimitExceeded("too many filters: this node keeps %d, each until it was not polled for %s", fs.most, fs.timeout)
	case fs.values+f.values() > fs.mostValues:
		return "", rpc.LimitExceeded("too many filters: this node keeps %d addresses and topics of filters, each until it was not polled for %s", fs.mostValues, fs.timeout)
	}
	id := gethrpc.NewID()
	f.polled, f.turn = now, make(chan struct{}, 1)
	fs.all[id] = f
	fs.values += f.values()
	return id, nil
}

// get returns a filter that somebody polls.
func (fs *filters) get(id gethrpc.ID) (*filter, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, now := fs.all[id], time.Now()
	if f == nil {
		return nil, errFilterNotFound
	}
	if now.Sub(f.polled) >= fs.timeout {
		fs.drop(id)
		return nil, errFilterNotFound
	}
	f.polled = now
	return f, nil
}

// remove reports whether there was such a filter.
func (fs *filters) remove(id gethrpc.ID) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.all[id]
	if f == nil {
		return false
	}
	fs.drop(id)
	return time.Since(f.polled) < fs.timeout
}

// sweep removes what has expired; the order does not matter.
func (fs *filters) sweep(now time.Time) {
	for id, f := range fs.all {
		if now.Sub(f.polled) >= fs.timeout {
			fs.drop(id)
		}
	}
}

// drop is called with the lock held.
func (fs *filters) drop(id gethrpc.ID) {
	fs.values -= fs.all[id].values()
	delete(fs.all, id)
}
