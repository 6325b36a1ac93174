package devnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// probeTimeout bounds one question to a node.
const probeTimeout = 2 * time.Second

// maxAnswer bounds the answer to eth_chainId, in bytes.
const maxAnswer = 4096

// probeAll asks every node until it answers or ends. The channel gets one
// value per node and is closed when all probes have ended.
func (s *supervisor) probeAll(ctx context.Context) <-chan *process {
	out := make(chan *process, len(s.running))
	var probes sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.options.TLS}}
	for _, p := range s.running {
		probes.Go(func() {
			p.probe(ctx, client, s.options.Header, s.network.Genesis.ChainID)
			out <- p
		})
	}
	go func() {
		probes.Wait()
		close(out)
	}()
	return out
}

// probe returns when the node answers with its chain id, or has ended.
func (p *process) probe(ctx context.Context, client *http.Client, header http.Header, chainID uint64) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		if got, err := askChainID(ctx, client, p.node.RPC(), header); err == nil && got == chainID {
			p.answered.Store(true)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-p.ended:
			return
		case <-tick.C:
		}
	}
}

func askChainID(ctx context.Context, client *http.Client, url string, header http.Header) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`))
	if err != nil {
		return 0, err
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Result string `json:"result"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil {
		return 0, err
	}
	return strconv.ParseUint(answer.Result, 0, 64)
}

// silent returns the names of nodes that run and have not answered.
func (s *supervisor) silent() []*process {
	var out []*process
	for _, p := range s.running {
		if !p.answered.Load() {
			out = append(out, p)
		}
	}
	return out
}

// CheckFree reports every node that runs already and every port that somebody
// else holds.
func (n *Network) CheckFree() error {
	var errs []error
	for i := range n.Nodes {
		node := &n.Nodes[i]
		if pid, ok := node.runningPID(); ok {
			errs = append(errs, fmt.Errorf("%s runs already, as process %d: stop it, or use another --dir", node.Name, pid))
			continue
		}
		host, port, err := hostPort(node.Config.P2P.Listen[0])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs,
			free(node.Name, "--rpc-port", "JSON-RPC", node.Config.RPC.String()),
			free(node.Name, "--admin-port", "health and metrics", node.Config.Admin.String()),
			free(node.Name, "--p2p-port", "peers", net.JoinHostPort(host, port)))
	}
	return errors.Join(errs...)
}

// free tries to listen.
func free(node, flag, what, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%s cannot listen for %s on %s: choose other ports with %s (%w)", node, what, address, flag, err)
	}
	return l.Close()
}
