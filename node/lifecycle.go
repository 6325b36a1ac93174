package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// part is one long-lived piece of a node.
type part struct {
	name  string
	run   func(context.Context) error
	ready <-chan struct{} // nil: ready at once
}

// named says whose error it is, unless the error says so itself.
func named(part string, err error) error {
	if strings.HasPrefix(err.Error(), part+":") {
		return err
	}
	return fmt.Errorf("%s: %w", part, err)
}

// runParts starts the parts in order, each when the one before is ready, and
// stops them in reverse order when ctx ends or one of them does. It returns
// the first part's error, or nil when ctx ended.
func runParts(ctx context.Context, parts []part, started func()) error {
	type end struct {
		index int
		err   error
	}
	ends := make(chan end, len(parts))
	var cancels []context.CancelFunc
	var first error
	running := map[int]bool{}
	note := func(e end) {
		delete(running, e.index)
		if first == nil && e.err != nil && !errors.Is(e.err, context.Canceled) {
			first = named(parts[e.index].name, e.err)
		}
	}
	for i, p := range parts {
		// Not ctx's child: a part is told to stop only when its turn comes.
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancels = append(cancels, cancel)
		running[i] = true
		go func() { ends <- end{i, p.run(own)} }()
		if p.ready == nil {
			continue
		}
		select {
		case <-p.ready:
			continue
		case e := <-ends:
			note(e)
		case <-ctx.Done():
		}
		break
	}
	if first == nil && ctx.Err() == nil && len(running) == len(parts) {
		started()
		select {
		case e := <-ends:
			note(e)
		case <-ctx.Done():
		}
	}
	for i := len(cancels) - 1; i >= 0; i-- {
		cancels[i]()
		for running[i] {
			note(<-ends)
		}
	}
	return first
}
