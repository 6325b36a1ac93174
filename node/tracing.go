package node

import (
	gstate "github.com/ethereum/go-ethereum/core/state"

	"github.com/quorate/quorate/rpc"
	rpcdebug "github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/gethbackend"
	rpcots "github.com/quorate/quorate/rpc/ots"
	"github.com/quorate/quorate/state"
)

// tracing makes the methods that execute final transactions again.
func (n *Node) tracing(limits rpc.Limits) (*rpcdebug.API, *rpcots.API, error) {
	at := stateAt(n.state)
	tracers, err := gethbackend.NewTracers(gethbackend.TracerDeps{
		Config: n.genesis.ChainConfig(), Chain: n.chain, StateAt: at, NewEVM: n.state.NewEVM,
		Turn: n.rpc.Heavy, Stopped: n.rpc.Stopped(), Limits: limits, Log: n.log.With("part", "rpc"),
	})
	if err != nil {
		return nil, nil, err
	}
	debug, err := rpcdebug.New(n.chain, n.pool, tracers)
	if err != nil {
		return nil, nil, err
	}
	ots, err := rpcots.New(rpcots.Deps{Config: n.genesis.ChainConfig(), Chain: n.chain, StateAt: at, Tracer: debug, Addresses: n.otsAddresses(), Limits: limits})
	return debug, ots, err
}

// stateAt opens old states.
func stateAt(s *state.State) gethbackend.StateAt {
	return func(number uint64) (*gstate.StateDB, func(), error) {
		v, err := s.At(number)
		if err != nil {
			return nil, nil, err
		}
		return v.StateDB, func() { _ = v.Close() }, nil
	}
}
