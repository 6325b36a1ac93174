package p2p

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// maxStrangers is how many records of nodes that are no members are kept: more than
// a network admits in one epoch.
const maxStrangers = 256

// strangers are the newest records of nodes that are no members here, as members
// have sent them. Records are not sent twice, and a node that joins hears of the
// others before its chain tells it who they are: without these it would know no
// address of theirs when it does.
type strangers struct {
	mu      sync.Mutex
	records map[peer.ID]*Record
}

func newStrangers() *strangers { return &strangers{records: map[peer.ID]*Record{}} }

// put keeps a verified record; while there is no room, only newer ones of those that
// are kept.
func (s *strangers) put(r *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.records[r.id()]
	if old == nil && len(s.records) >= maxStrangers || old != nil && old.Seq >= r.Seq {
		return
	}
	s.records[r.id()] = r
}

// take returns those that are members now.
func (s *strangers) take(t *memberTable) (out []*Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.records {
		if t.byID[id] != nil {
			out = append(out, r)
			delete(s.records, id)
		}
	}
	return out
}
