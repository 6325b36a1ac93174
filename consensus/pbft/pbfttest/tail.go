package pbfttest

import (
	"fmt"
	"strings"
)

// This file remembers what happened: all of it as one hash, the end of it in
// words.

// tailLength is how many events a failure shows.
const tailLength = 60

// tail is a ring of the last events.
type tail struct {
	events [tailLength]event
	count  int
}

// note takes an event into the trace.
func (s *simulation) note(e *event) {
	s.trace.add(e.at).add(uint64(e.kind)<<32 | uint64(uint32(e.node)))
	if p := e.packet; p != nil {
		s.trace.add(uint64(p.From)<<8 | uint64(kindOf(p))).add(uint64(seqOf(p)))
		if v := p.Message.Vote; v != nil {
			s.trace.add(uint64(v.View)).add(v.Sender).add(uint64(v.Signature[7]))
		}
	}
	oldest := &s.tail.events[s.tail.count%tailLength]
	if oldest.packet != nil {
		s.free = append(s.free, oldest.packet)
	}
	*oldest = *e
	s.tail.count++
}

// words describes the last events.
func (t *tail) words() string {
	var out strings.Builder
	for i := max(t.count-tailLength, 0); i < t.count; i++ {
		e := &t.events[i%tailLength]
		fmt.Fprintf(&out, "  %8d.%03d ms  %s", e.at/1000, e.at%1000, eventNames[e.kind])
		if e.packet != nil {
			fmt.Fprintf(&out, " %s\n", describe(*e.packet))
		} else {
			fmt.Fprintf(&out, " %d\n", e.node)
		}
	}
	return out.String()
}
