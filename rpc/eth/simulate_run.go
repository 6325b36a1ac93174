package eth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/state"
)

// simulation runs planned blocks on one state. It belongs to one request.
type simulation struct {
	api       *API
	db        *gstate.StateDB
	base      *types.Header // the real block under the first simulated one
	transfers bool
	validate  bool
	full      bool
	rooted    bool                   // the state has tries, so that roots can be computed
	budget    uint64                 // gas that all further calls together may use
	room      int                    // bytes that all further results together may have
	hashes    []common.Hash          // of the base and the simulated blocks so far
	ancestors map[uint64]common.Hash // of blocks below the base that were asked for
}

func (a *API) newSimulation(in *Simulation, db *gstate.StateDB, base *types.Header) (*simulation, error) {
	_, err := db.Database().OpenTrie(base.Root)
	var none *state.ErrNoProof // rows without tries
	if err != nil && !errors.As(err, &none) {
		return nil, err
	}
	return &simulation{
		api: a, db: db, base: base, transfers: in.TraceTransfers, validate: in.Validation, full: in.FullTransactions,
		rooted: err == nil, budget: a.limits.CallGas, room: a.limits.SimulateBytes,
		hashes: []common.Hash{base.Hash()}, ancestors: make(map[uint64]common.Hash),
	}, nil
}

// run returns the blocks as JSON. Each is encoded when it is done: its logs and
// receipts need not be kept.
func (s *simulation) run(ctx context.Context, blocks []SimulatedBlock) ([]json.RawMessage, error) {
	plan, err := s.plan(blocks)
	if err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, 0, len(plan))
	parent := s.base
	for _, p := range plan {
		s.follow(p.header, parent)
		shown, header, err := s.block(ctx, &p)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
		s.hashes = append(s.hashes, header.Hash())
		parent = header
	}
	return out, nil
}

// follow completes what of a header follows from its parent.
func (s *simulation) follow(h, parent *types.Header) {
	h.ParentHash = s.hashes[len(s.hashes)-1]
	if h.BaseFee == nil && s.api.cfg.IsLondon(h.Number) {
		h.BaseFee = new(big.Int) // without validation nobody needs to pay
		if s.validate {
			h.BaseFee = s.api.nextBaseFee(parent)
		}
	}
	if s.api.cfg.IsCancun(h.Number, h.Time) {
		h.ExcessBlobGas = new(uint64)
		if s.api.cfg.IsCancun(parent.Number, parent.Time) {
			*h.ExcessBlobGas = eip4844.CalcExcessBlobGas(s.api.cfg, parent, h.Time)
		}
	}
}

// hashOf is BLOCKHASH: the simulated blocks stand on the real ones.
func (s *simulation) hashOf(number uint64) common.Hash {
	base := s.base.Number.Uint64()
	if number >= base {
		if at := number - base; at < uint64(len(s.hashes)) {
			return s.hashes[at]
		}
		return common.Hash{}
	}
	hash, ok := s.ancestors[number]
	if !ok {
		if h := (headers{s.api.cfg, s.api.chain}).GetHeaderByNumber(number); h != nil {
			hash = h.Hash()
		}
		s.ancestors[number] = hash
	}
	return hash
}

// keep counts bytes of a result against the limit.
func (s *simulation) keep(bytes int) error {
	if s.room -= bytes; s.room < 0 {
		return &rpc.Error{Code: rpc.CodeTooLarge, Message: fmt.Sprintf("response too large: the simulated calls return and log more than %d bytes", s.api.limits.SimulateBytes)}
	}
	return nil
}
