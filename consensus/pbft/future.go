package pbft

import "fmt"

// This file keeps votes of views that have not begun here.

// futurePerSlot is how many votes of higher views one validator may have
// waiting here, for each slot of the window: a PRE-PREPARE or PREPARE and a
// COMMIT in two views.
const futurePerSlot = 4

// keepFuture keeps a vote of a higher view, unjudged, in its sender's room.
// What finds no room comes back by STATUS.
func (r *Replica) keepFuture(m Message) error {
	room := &r.future[m.Vote.Sender]
	if len(*room) >= futurePerSlot*int(r.params.PipelineDepth) {
		return fmt.Errorf("%w: validator %d has %d votes of later views here", ErrFutureView, m.Vote.Sender, len(*room))
	}
	*room = append(*room, m)
	return nil
}

// replayFuture judges what was kept for the view that has begun. What is
// refused now was not refused before, so nobody hears of it.
func (r *Replica) replayFuture() {
	for i := range r.future {
		kept := r.future[i]
		r.future[i] = nil
		for _, m := range kept {
			switch {
			case m.Vote.View > r.active:
				r.future[i] = append(r.future[i], m)
			case m.Vote.View == r.active:
				if err := r.onVote(m.Vote, m.Batch); err != nil {
					r.out.Refused = append(r.out.Refused, err)
				}
			}
		}
	}
}
