package devnet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Times of the supervisor.
const (
	probeEvery  = 50 * time.Millisecond // between two questions to a node that does not answer yet
	remindEvery = 10 * time.Second      // between two lines about nodes that do not answer
	stopTimeout = 20 * time.Second      // for a clean end, before a process is killed
)

// RunOptions say how to run a network.
type RunOptions struct {
	Executable  string        // the quorate binary
	Out         io.Writer     // what the user sees
	JSON        bool          // one JSON line per event instead of text
	StopTimeout time.Duration // 0 = 20 s
	Header      http.Header   // shown to nodes whose config.toml asks who calls; nil = none
	TLS         *tls.Config   // whom to trust where config.toml has TLS; nil = the system's CAs
}

// ErrAllEnded is returned when no process is left though nobody asked to stop.
var ErrAllEnded = errors.New("every node has ended")

// Run starts one process per node and supervises them until ctx ends, then
// stops them cleanly. A process that dies is reported, and the others go on.
func Run(ctx context.Context, n *Network, o RunOptions) error {
	if o.StopTimeout == 0 {
		o.StopTimeout = stopTimeout
	}
	accounts, err := n.fundedAccounts()
	if err != nil {
		return err
	}
	if err := n.CheckFree(); err != nil {
		return err
	}
	s := &supervisor{network: n, options: o, report: reporter{out: o.Out, json: o.JSON, accounts: accounts}, exits: make(chan *process, len(n.Nodes))}
	release, err := s.start()
	defer release()
	if err != nil {
		return errors.Join(err, s.stop())
	}
	return s.supervise(ctx)
}

// process is one node's process.
type process struct {
	node  *Node
	cmd   *exec.Cmd
	ended chan struct{} // closed after err is set
	err   error         // of Wait

	answered atomic.Bool
}

type supervisor struct {
	network *Network
	options RunOptions
	report  reporter
	running []*process
	exits   chan *process
	waiting sync.WaitGroup
}

// start starts every process. They must be children of a thread that lives as
// long as they do (see spawn_linux.go), so a goroutine keeps one until release
// is called.
func (s *supervisor) start() (release func(), err error) {
	done, started, gone := make(chan struct{}), make(chan error), make(chan struct{})
	go func() {
		defer close(gone)
		keepThread(func() {
			started <- s.startAll()
			<-done
		})
	}()
	return func() { close(done); <-gone; s.waiting.Wait() }, <-started
}

func (s *supervisor) startAll() error {
	for i := range s.network.Nodes {
		p, err := s.startOne(&s.network.Nodes[i])
		if err != nil {
			return err
		}
		s.running = append(s.running, p)
		s.waiting.Go(func() {
			p.err = p.cmd.Wait()
			removePID(p.node.Dir, p.cmd.Process.Pid)
			close(p.ended)
			s.exits <- p
		})
	}
	return nil
}

func (s *supervisor) startOne(n *Node) (*process, error) {
	log, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(s.options.Executable, "start", "--dir", n.Dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = childEnv(os.Environ())
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", n.Name, err)
	}
	if err := WritePID(n.Dir, cmd.Process.Pid); err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	return &process{node: n, cmd: cmd, ended: make(chan struct{})}, nil
}

// supervise reports until ctx ends or nothing is left.
func (s *supervisor) supervise(ctx context.Context) error {
	probing, cancel := context.WithCancel(ctx)
	probes := s.probeAll(probing)
	defer func() {
		cancel()
		for range probes { // wait for them to end
		}
	}()
	answers := probes
	remind := time.NewTicker(remindEvery)
	defer remind.Stop()
	pending := len(s.running)
	for {
		select {
		case <-ctx.Done():
			return s.stop()
		case p := <-s.exits:
			s.forget(p)
			s.report.exited(p)
			if len(s.running) == 0 {
				return ErrAllEnded
			}
		case <-answers:
			if pending--; pending > 0 {
				continue
			}
			answers = nil // all have ended
			remind.Stop()
			if err := s.ready(ctx); err != nil {
				return errors.Join(err, s.stop())
			}
		case <-remind.C:
			s.report.waiting(s.silent())
		}
	}
}

// ready reports that every node that still runs answers.
func (s *supervisor) ready(ctx context.Context) error {
	stopping := ctx.Err() != nil
	if stopping || !slices.ContainsFunc(s.running, (*process).lives) {
		return nil // the next event says why
	}
	return s.report.ready(s.network, s.running)
}

func (p *process) lives() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (s *supervisor) forget(p *process) {
	for i, r := range s.running {
		if r == p {
			s.running = append(s.running[:i:i], s.running[i+1:]...)
			return
		}
	}
}

// stop ends every process: asked first, killed after a while.
func (s *supervisor) stop() error {
	var errs []error
	for _, p := range s.running {
		errs = append(errs, ignoreDone(p.cmd.Process.Signal(syscall.SIGTERM)))
	}
	timeout := time.NewTimer(s.options.StopTimeout)
	defer timeout.Stop()
	for len(s.running) > 0 {
		select {
		case p := <-s.exits:
			s.forget(p)
			if p.err != nil {
				s.report.exited(p)
			}
		case <-timeout.C:
			for _, p := range s.running {
				errs = append(errs, fmt.Errorf("%s did not stop within %s and was killed", p.node.Name, s.options.StopTimeout))
				errs = append(errs, ignoreDone(p.cmd.Process.Kill()))
			}
		}
	}
	s.report.stopped()
	return errors.Join(errs...)
}

func ignoreDone(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// childEnv drops variables that would give all nodes the same name, keys or
// ports. Those that may be shared (memory, log) stay.
func childEnv(environ []string) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !perNode(name) {
			out = append(out, kv)
		}
	}
	return out
}
