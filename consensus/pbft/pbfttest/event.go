package pbfttest

// This file is the queue of a discrete-event simulation.

// eventKind says what happens.
type eventKind uint8

const (
	evPacket eventKind = iota
	evWake             // a replica asked for its clock
	evLedger           // the ledger finishes a task
	evInbox            // an fsync ends: what arrived meanwhile is taken
	evBodies           // a node asks for missing bodies
	evSubmit           // transactions come
	evBegin            // a fault
	evEnd
)

var eventNames = [...]string{"deliver", "wake", "ledger", "inbox", "bodies", "submit", "begin", "end"}

// event is something that happens at a moment. Events of one moment happen in
// the order in which they were planned.
type event struct {
	at, order uint64 // µs
	kind      eventKind
	node      int // or the number of a fault
	packet    *Packet
}

// queue is a binary heap of events.
type queue struct {
	heap []event
	next uint64
}

func (q *queue) push(e event) {
	q.next++
	e.order = q.next
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(&q.heap[up]) {
			break
		}
		q.heap[i] = q.heap[up]
		i = up
	}
	q.heap[i] = e
}

func (q *queue) pop() (event, bool) {
	if len(q.heap) == 0 {
		return event{}, false
	}
	top := q.heap[0]
	last := len(q.heap) - 1
	e := q.heap[last] // it sinks from the top
	i := 0
	for {
		least := 2*i + 1
		if least+1 < last && q.heap[least+1].before(&q.heap[least]) {
			least++
		}
		if least >= last || e.before(&q.heap[least]) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = e
	q.heap[last] = event{}
	q.heap = q.heap[:last]
	return top, true
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.order < o.order
}
