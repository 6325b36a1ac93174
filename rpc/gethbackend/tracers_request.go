package gethbackend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/eth/tracers"
	_ "github.com/ethereum/go-ethereum/eth/tracers/native" // registers the native tracers
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/rpc"
)

// served are the tracers that a client may name, and that the meter knows.
var served = []string{
	"4byteTracer", "callTracer", "erc7562Tracer", "flatCallTracer", "keccak256PreimageTracer",
	"muxTracer", "noopTracer", "prestateTracer",
}

// bounded is the tracer in which every other one runs. Its name is not in served.
const bounded = "quorateBoundedTracer"

func init() {
	tracers.DefaultDirectory.Register(bounded, newBounded, false)
	// Without this, an unknown name is a call of nil.
	tracers.DefaultDirectory.RegisterJSEval(func(name string, _ *tracers.Context, _ json.RawMessage, _ *params.ChainConfig) (*tracers.Tracer, error) {
		return nil, unknownTracer(name)
	})
}

// unknownTracer refuses a name, or a program in JavaScript in its place.
func unknownTracer(name string) error {
	const shown = 40
	if len(name) > shown {
		name = name[:shown] + "…"
	}
	return rpc.InvalidParams("unknown tracer %q: this node runs %s and the default struct logs, and no JavaScript", name, strings.Join(served, ", "))
}

// request is one call of a trace method on its way. go-ethereum's API hands a
// tracer nothing but its name and configuration, so the request waits in requests
// under its id. One goroutine works on it.
type request struct {
	id     string
	config tracers.TraceConfig // as the client gave it
	hashes bool                // a tracer keeps what KECCAK256 reads
	left   int                 // bytes that the answer may still grow by
	over   bool                // it wanted more
	failed error               // of reading the state
	cancel context.CancelFunc
}

var (
	requests sync.Map // id → *request
	lastID   atomic.Uint64
)

type requestKey struct{}

// requestOf returns the request of a context, or one that nobody reads.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return new(request)
}

// met notes the first error that reading a state has met.
func (r *request) met(err error) {
	if r.failed == nil {
		r.failed = err
	}
}

// deadline is a context whose every end looks like a deadline: go-ethereum's
// tracers stop for that alone, not for a client that has left.
type deadline struct {
	context.Context
	done chan struct{} // of its own: a child would take its parent's error otherwise
}

func (d *deadline) Done() <-chan struct{} { return d.done }

func (d *deadline) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// Do runs trace, which calls one method of go-ethereum's API with the context and
// the configuration that it is given, within the limits. config is the client's and
// may be nil.
func (t *Tracers) Do(ctx context.Context, config *tracers.TraceConfig, trace func(context.Context, *tracers.API, *tracers.TraceConfig) (any, error)) (any, error) {
	r, inner, err := t.request(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.limits.TraceTimeout)
	defer cancel()
	r.cancel = cancel
	return rpc.Work(ctx, t.turn, t.places, func() (any, error) { return t.run(ctx, r, inner, trace) })
}

// run is Do in its place.
func (t *Tracers) run(ctx context.Context, r *request, inner *tracers.TraceConfig, trace func(context.Context, *tracers.API, *tracers.TraceConfig) (any, error)) (any, error) {
	requests.Store(r.id, r)
	defer requests.Delete(r.id)
	end := &deadline{Context: context.WithValue(ctx, requestKey{}, r), done: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { close(end.done) })
	defer stop()
	result, err := trace(end, t.api, inner)
	switch {
	case r.over:
		return nil, t.tooLarge()
	case r.failed != nil: // it explains everything else
		return nil, r.failed
	case ctx.Err() != nil:
		return nil, &rpc.Error{Code: rpc.CodeTimeout, Message: fmt.Sprintf("execution timeout: a trace may take %s", t.limits.TraceTimeout)}
	}
	return result, err
}

func (t *Tracers) tooLarge() error {
	return &rpc.Error{Code: rpc.CodeTooLarge, Message: fmt.Sprintf("response too large: a trace may have %d bytes (limit TraceBytes); leave out parts of it (disableStack, disableStorage, onlyTopCall, disableCode …) or trace single transactions", t.limits.TraceBytes)}
}

// request checks a client's configuration and returns the request with the
// configuration that go-ethereum gets.
func (t *Tracers) request(config *tracers.TraceConfig) (*request, *tracers.TraceConfig, error) {
	r := &request{id: strconv.FormatUint(lastID.Add(1), 10), left: t.limits.TraceBytes}
	if config != nil {
		r.config = *config
	}
	if name := r.config.Tracer; name != nil {
		names, err := named(*name, r.config.TracerConfig)
		if err != nil {
			return nil, nil, err
		}
		if len(names) > t.limits.TraceTracers {
			return nil, nil, rpc.LimitExceeded("too many tracers in one request: %d, the limit is %d", len(names), t.limits.TraceTracers)
		}
		r.hashes = slices.Contains(names, "keccak256PreimageTracer") || slices.Contains(names, "erc7562Tracer")
	}
	name, inner := bounded, &tracers.TraceConfig{TracerConfig: json.RawMessage(strconv.Quote(r.id))}
	inner.Tracer = &name
	inner.Timeout = t.timeout(r.config.Timeout)
	return r, inner, nil
}

// timeout cuts a client's timeout to the limit, which stands for none, too:
// go-ethereum would take five seconds then, whatever the limit is. It judges
// itself what is no duration.
func (t *Tracers) timeout(given *string) *string {
	if given != nil {
		if d, err := time.ParseDuration(*given); err != nil || d <= t.limits.TraceTimeout {
			return given
		}
	}
	text := t.limits.TraceTimeout.String()
	return &text
}

// named lists a tracer and, of a muxTracer, those inside it.
func named(name string, config json.RawMessage) ([]string, error) {
	if !slices.Contains(served, name) {
		return nil, unknownTracer(name)
	}
	names := []string{name}
	if name != "muxTracer" || len(config) == 0 {
		return names, nil
	}
	var inside map[string]json.RawMessage
	if json.Unmarshal(config, &inside) != nil {
		return names, nil // the tracer itself says what is wrong with it
	}
	for name, config := range inside {
		more, err := named(name, config)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// newBounded makes the tracer of one transaction of a request.
func newBounded(tx *tracers.Context, raw json.RawMessage, cfg *params.ChainConfig) (*tracers.Tracer, error) {
	var id string
	if err := json.Unmarshal(raw, &id); err != nil {
		return nil, err
	}
	found, ok := requests.Load(id)
	if !ok {
		return nil, errors.New("rpc/gethbackend: a trace outside Do")
	}
	r := found.(*request) //nolint:forcetypeassert // Do stores nothing else
	inner, err := r.tracer(tx, cfg)
	if err != nil {
		return nil, err
	}
	return r.meter(inner), nil
}
