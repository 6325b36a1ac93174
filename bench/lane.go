package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lane is one connection to one URL with the accounts that are pinned to it: it
// sends their transactions in order, one batch at a time.
type lane struct {
	load  *load
	to    *endpoint
	kick  chan struct{} // capacity 1: there may be room again
	queue []int         // guarded by load.mu
	batch int           // present batch size, only of run
	delay time.Duration // back-off, only of run
}

// Back-off after "txpool is full", and before the second try of a request.
const (
	minDelay   = 5 * time.Millisecond
	maxDelay   = 200 * time.Millisecond
	retryAfter = 50 * time.Millisecond
)

// run sends until ctx ends or the URL is dropped.
func (n *lane) run(ctx context.Context) {
	var body []byte
	var answer bytes.Buffer
	for ctx.Err() == nil {
		now, wait, dead := n.take()
		if dead {
			return
		}
		if len(now) == 0 {
			n.sleep(ctx, wait)
			continue
		}
		body = n.assemble(body[:0], now)
		err := n.to.post(ctx, body, &answer)
		var status *statusError
		if err != nil && !errors.As(err, &status) && ctx.Err() == nil {
			if pause(ctx, retryAfter) != nil {
				return
			}
			err = n.to.post(ctx, body, &answer)
		}
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &status) && status.code == http.StatusRequestEntityTooLarge && n.batch > 1:
			n.batch = max(1, len(now)/2)
			n.putBack(now)
		case err != nil:
			n.load.drop(n.to, err)
			return
		case !n.judge(now, answer.Bytes()):
			n.load.drop(n.to, errors.New("not an answer to a batch: "+string(answer.Bytes()[:min(100, answer.Len())])))
			return
		}
	}
}

// sleep waits for room, at most d if d is positive, and always the back-off.
func (n *lane) sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		d = time.Second
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-n.kick:
	}
}

// take chooses the next batch. If it is empty, wait says when to look again (0 =
// when kicked).
func (n *lane) take() (now []int, wait time.Duration, dead bool) {
	l := n.load
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.to.dead || l.finished {
		return nil, 0, true
	}
	if n.delay > 0 { // once, after a refusal for lack of room
		d := n.delay
		n.delay = -n.delay
		return nil, d, false
	}
	room := n.batch
	if l.cfg.Rate == 0 {
		room = min(room, l.cfg.Outstanding-l.outstanding)
		if l.outstanding > 0 && room < min(n.batch, len(n.queue), l.cfg.Outstanding)/4 {
			return nil, 0, false // not worth a request yet
		}
	}
	since := time.Since(l.began)
	used := 0
	for _, i := range n.queue {
		t := &l.txs[i]
		if t.phase != waiting {
			used++ // confirmed or failed meanwhile
			continue
		}
		if len(now) >= room {
			break
		}
		begin := since
		if l.cfg.Rate > 0 {
			if begin = l.due(i); begin > since {
				wait = begin - since
				break
			}
		}
		if t.begin == 0 {
			t.begin = max(1, begin)
		}
		t.phase, t.lane = sent, n
		now = append(now, i)
		used++
	}
	n.queue = n.queue[used:]
	l.outstanding += len(now)
	return now, wait, false
}

// putBack returns transactions that no node has seen to the front of the queue.
func (n *lane) putBack(txs []int) {
	l := n.load
	l.mu.Lock()
	defer l.mu.Unlock()
	n.returned(txs)
}

func (n *lane) returned(txs []int) {
	l := n.load
	front := make([]int, 0, len(txs)+len(n.queue))
	for _, i := range txs {
		if t := &l.txs[i]; t.phase == sent && t.lane == n && !n.to.dead {
			t.phase = waiting
			l.outstanding--
			front = append(front, i)
		}
	}
	n.queue = append(front, n.queue...)
}

// assemble writes the JSON-RPC batch; id = position.
func (n *lane) assemble(body []byte, txs []int) []byte {
	sep := byte('[')
	for id, i := range txs {
		body = append(body, sep)
		body = append(body, `{"jsonrpc":"2.0","id":`...)
		body = strconv.AppendInt(body, int64(id), 10)
		body = append(body, `,"method":"eth_sendRawTransaction","params":[`...)
		body = append(body, n.load.txs[i].param...)
		body = append(body, `]}`...)
		sep = ','
	}
	return append(body, ']')
}

// judge books the answers; false means that this is no answer to the batch.
func (n *lane) judge(txs []int, answer []byte) bool {
	if !bytes.Contains(answer, []byte(`"error"`)) && bytes.Count(answer, []byte(`"result"`)) == len(txs) {
		n.delay = 0
		return true
	}
	var replies []struct {
		ID     *int            `json:"id"`
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &replies); err != nil {
		if n.batch > 1 && bytes.Contains(answer, []byte(`"error"`)) { // one error for all: a smaller batch may pass
			n.batch = max(1, min(n.batch, len(txs))/2)
			n.putBack(txs)
			return true
		}
		return false
	}
	l := n.load
	l.mu.Lock()
	defer l.mu.Unlock()
	var full []int
	answered := make([]bool, len(txs))
	for _, r := range replies {
		if r.ID == nil || *r.ID < 0 || *r.ID >= len(txs) {
			continue
		}
		answered[*r.ID] = true
		if r.Error == nil {
			continue
		}
		switch i := txs[*r.ID]; verdict(r.Error.Message) {
		case known:
		case noRoom:
			full = append(full, i)
		case tooLarge:
			full = append(full, i)
			n.batch = max(1, min(n.batch, len(txs)/2))
		default:
			if t := &l.txs[i]; t.phase == sent && t.lane == n {
				l.fail(i, reason(r.Error.Message))
			}
		}
	}
	for id, ok := range answered {
		if !ok { // cut off, as by a limit on the size of a reply
			full = append(full, txs[id])
		}
	}
	n.backOff(full)
	return true
}

// backOff returns what found no room, in order, and waits a little longer each
// time. Lock held.
func (n *lane) backOff(full []int) {
	if len(full) == 0 {
		n.delay = 0
		return
	}
	slices.Sort(full)
	n.returned(full)
	n.delay = min(max(minDelay, 2*max(n.delay, -n.delay)), maxDelay)
}

// The kinds of refusal.
const (
	fatal    = iota // never
	known           // it is there, or already mined; the verification will tell
	noRoom          // later
	tooLarge        // later, in a smaller batch
)

func verdict(message string) int {
	switch {
	case strings.Contains(message, "already known"), strings.Contains(message, "nonce too low"):
		return known
	case strings.Contains(message, "txpool is full"), strings.Contains(message, "account limit exceeded"),
		strings.Contains(message, "limit exceeded"), strings.Contains(message, "too many requests"):
		return noRoom
	case strings.Contains(message, "batch too large"), strings.Contains(message, "response too large"):
		return tooLarge
	}
	return fatal
}

// reason is a refusal without the numbers that differ each time.
func reason(message string) string {
	head, _, _ := strings.Cut(message, ":")
	return head
}
