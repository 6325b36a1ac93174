package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

// ErrIncomplete means that not every transaction was committed; the result says
// why.
var ErrIncomplete = errors.New("bench: not every transaction was committed")

// Run loads the network and measures. With ErrIncomplete the result is valid and
// its Failures tell what went wrong; with any other error it is nil.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var urls []*endpoint
	defer func() {
		for _, e := range urls {
			e.close()
		}
	}()
	for _, raw := range cfg.URLs {
		e, err := dial(ctx, raw, &cfg)
		if err != nil {
			return nil, err
		}
		urls = append(urls, e)
	}
	s, err := prepare(ctx, &cfg, urls)
	if err != nil {
		return nil, err
	}
	cfg.Logger.Info("signing", "transactions", cfg.Txs, "accounts", cfg.Accounts)
	txs, err := s.sign()
	if err != nil {
		return nil, err
	}
	l := newLoad(&cfg, urls, txs)
	cpu, err := l.measure(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Logger.Info("verifying", "blocks", len(l.blocks), "urls", len(urls))
	committed, err := l.verify(ctx)
	if err != nil {
		return nil, err
	}
	r := l.result(committed, cpu)
	if committed != cfg.Txs {
		return r, fmt.Errorf("%w: %d of %d", ErrIncomplete, committed, cfg.Txs)
	}
	return r, nil
}

// measure runs lanes and watcher until all is included, or nothing moves. It
// returns the processor time of the nodes meanwhile, negative if unknown.
func (l *load) measure(ctx context.Context) (cpu time.Duration, err error) {
	w := &watcher{load: l}
	if err := w.subscribe(ctx); err != nil {
		return 0, err
	}
	l.bar = newBar(l.cfg.Progress, l.cfg.Txs, string(l.cfg.Kind))
	defer l.bar.close()
	before, visible := nodesTime(l.urls)
	l.began = time.Now()
	l.progress = l.began

	inner, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { w.run(inner) })
	for _, n := range l.lanes {
		wg.Go(func() { n.run(inner) })
	}
	select {
	case <-l.done:
	case <-ctx.Done():
	}
	cpu = -1
	if after, ok := nodesTime(l.urls); ok && visible {
		cpu = after - before
	}
	stop()
	wg.Wait()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return cpu, l.fatal
}

// bare is an error of the HTTP client without the URL that the caller names.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// short is the text of an error as a reason in Result.Failures.
func short(err error) string {
	text := bare(err).Error()
	if at := strings.LastIndex(text, ": "); at >= 0 && strings.HasPrefix(text, "dial ") {
		text = text[at+2:]
	}
	return text
}
