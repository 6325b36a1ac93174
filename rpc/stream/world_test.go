package stream_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/stream"
)

// world is a chain with its doors on a real port.
type world struct {
	*chaintest.Node
	net   *chaintest.Network
	doors *stream.Doors
	pbft  *pbft.API
	url   string
}

// sealed implements pbft.Certificates.
type sealed struct{ *chain.Chain }

func (s sealed) Sealed(number uint64) (*pbft.Sealed, error) {
	x, err := s.Chain.Sealed(number)
	if err != nil {
		return nil, err
	}
	return &pbft.Sealed{Header: x.Header, BatchHeader: x.BatchHeader, Certificate: x.Certificate}, nil
}

// founders implements what pbft.API asks for and these tests do not use.
type founders struct {
	pbft.Reporter
	pbft.Members
	pbft.History
	pbft.Witness
	net *chaintest.Network
}

func (f founders) Epoch(e consensus.Epoch) (*consensus.EpochRules, error) {
	return &consensus.EpochRules{Epoch: e, Set: f.net.Set}, nil
}
func (f founders) Links(consensus.Epoch) ([]light.Link, error) { return nil, nil }

// newWorld begins with so many blocks of one transaction.
func newWorld(t testing.TB, blocks int, change ...func(*rpc.Config)) *world {
	t.Helper()
	net := chaintest.New(4, 1, chaintest.Loggers(logger))
	return serve(t, net, net.Node(t), blocks, change...)
}

var logger = common.Address{0x10}

func serve(t testing.TB, net *chaintest.Network, node *chaintest.Node, blocks int, change ...func(*rpc.Config)) *world {
	t.Helper()
	w := &world{Node: node, net: net}
	w.grow(t, blocks)
	cfg := rpc.DefaultConfig()
	cfg.Port = 0
	for _, f := range change {
		f(&cfg)
	}
	server, err := rpc.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := founders{net: w.net}
	if w.pbft, err = pbft.New(pbft.Deps{Reporter: f, Chain: sealed{w.Chain}, Transactions: w.Chain, Members: f, History: f, Witness: f, Limits: cfg.Limits}); err != nil {
		t.Fatal(err)
	}
	w.doors, err = stream.New(stream.Deps{
		Chain: w.Chain, Feed: w.Chain, Certificates: w.pbft, Signer: w.Chain.Signer(), Turn: server.Heavy,
		Disconnect: server.Disconnect, Verbatim: server.Verbatim, Stopped: server.Stopped(), Limits: cfg.Limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Mount("/v1/blocks", "v1_blocks", w.doors.Range())
	server.Mount("/v1/stream", "v1_stream", w.doors.Live())
	if err := server.Register("pbft", stream.NewSubscriptions(w.doors)); err != nil {
		t.Fatal(err)
	}
	if err := server.Register("eth", ethMethods(t, w, cfg.Limits)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- w.doors.Run(ctx) }()
	go func() { done <- server.Run(ctx) }()
	<-server.Ready()
	w.url = "http://" + server.Addr().String()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

// grow adds blocks, of one log each.
func (w *world) grow(t testing.TB, blocks int) {
	t.Helper()
	for range blocks {
		w.add(t, w.net.Users[0].Log(logger, common.Hash{1}))
	}
}

func (w *world) add(t testing.TB, txs ...*types.Transaction) {
	t.Helper()
	if _, err := w.net.Append(w.Chain, txs...); err != nil {
		t.Fatal(err)
	}
}

func (w *world) head() uint64 { return w.Chain.Head().Number.Uint64() }
