package gethbackend

import (
	"encoding/json"
	"errors"
	"math/big"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/eth/tracers/logger"
	"github.com/ethereum/go-ethereum/params"
)

// What tracers keep beside the data itself, in bytes. Data counts twice: it becomes
// hexadecimal.
const (
	frameBytes = 512 // a call: addresses, gas, value, type, in Go and in JSON
	logBytes   = 512 // a log with its topics
	slotBytes  = 160 // a storage key and its value
	acctBytes  = 256 // an account without its code
	keccakPad  = 1 << 20
)

// errOver is seen by nobody: Do answers with its own.
var errOver = errors.New("trace too large")

// tracer makes the tracer that the client asked for.
func (r *request) tracer(tx *tracers.Context, cfg *params.ChainConfig) (*tracers.Tracer, error) {
	if name := r.config.Tracer; name != nil {
		return tracers.DefaultDirectory.New(*name, tx, r.config.TracerConfig, cfg)
	}
	var c logger.Config
	if r.config.Config != nil {
		c = *r.config.Config
	}
	if left := max(1, r.left); c.Limit == 0 || c.Limit > left {
		c.Limit = left // it collects a little more than that, so that GetResult sees it
	}
	l := logger.NewStructLogger(&c)
	return &tracers.Tracer{Hooks: l.Hooks(), GetResult: l.GetResult, Stop: l.Stop}, nil
}

// spend takes bytes from the budget; false means that there are none left. Then
// the execution ends soon, and no tracer hears of it any more.
func (r *request) spend(n int) bool {
	if r.over {
		return false
	}
	r.left -= n
	if r.left < 0 {
		r.over = true
		r.cancel()
	}
	return !r.over
}

// meter puts the budget between the EVM and a tracer. The hooks that make native
// tracers grow are metered, the others passed on as they are.
func (r *request) meter(in *tracers.Tracer) *tracers.Tracer {
	h := *in.Hooks
	r.meterTx(&h)
	r.meterFrames(&h)
	r.meterSteps(&h)
	var stopped atomic.Pointer[error]
	before := r.left
	return &tracers.Tracer{
		Hooks: &h,
		// The EVM is stopped beside it. Not every tracer has a Stop of its own, and
		// go-ethereum calls it from a goroutine whose panic would end the node.
		Stop: func(err error) { stopped.Store(&err) },
		GetResult: func() (json.RawMessage, error) {
			if r.over {
				return nil, errOver
			}
			if why := stopped.Load(); why != nil {
				return nil, *why
			}
			result, err := in.GetResult()
			r.left = before // what was guessed is known now
			if !r.spend(len(result)) {
				return nil, errOver
			}
			return result, err
		},
	}
}

func (r *request) meterTx(h *tracing.Hooks) {
	if next := h.OnTxStart; next != nil {
		h.OnTxStart = func(env *tracing.VMContext, tx *types.Transaction, from common.Address) {
			metered := *env
			metered.StateDB = &meteredState{env.StateDB, r, make(map[common.Address]struct{})}
			next(&metered, tx, from)
		}
	}
	if next := h.OnTxEnd; next != nil {
		h.OnTxEnd = func(receipt *types.Receipt, err error) {
			if !r.over {
				next(receipt, err)
			}
		}
	}
	if next := h.OnLog; next != nil {
		h.OnLog = func(l *types.Log) {
			if r.spend(logBytes + 2*len(l.Data)) {
				next(l)
			}
		}
	}
}

func (r *request) meterFrames(h *tracing.Hooks) {
	if next := h.OnEnter; next != nil {
		h.OnEnter = func(depth int, typ byte, from, to common.Address, input []byte, gas uint64, value *big.Int) {
			if r.spend(frameBytes + 2*len(input)) {
				next(depth, typ, from, to, input, gas, value)
			}
		}
	}
	if next := h.OnEnterV2; next != nil {
		h.OnEnterV2 = func(depth int, typ byte, from, to common.Address, input []byte, gas tracing.Gas, value *big.Int) {
			if r.spend(frameBytes + 2*len(input)) {
				next(depth, typ, from, to, input, gas, value)
			}
		}
	}
	if next := h.OnExit; next != nil {
		h.OnExit = func(depth int, output []byte, used uint64, err error, reverted bool) {
			if r.spend(2 * len(output)) {
				next(depth, output, used, err, reverted)
			}
		}
	}
	if next := h.OnExitV2; next != nil {
		h.OnExitV2 = func(depth int, output []byte, left tracing.Gas, err error, reverted bool) {
			if r.spend(2 * len(output)) {
				next(depth, output, left, err, reverted)
			}
		}
	}
}

func (r *request) meterSteps(h *tracing.Hooks) {
	if next := h.OnOpcode; next != nil {
		h.OnOpcode = func(pc uint64, op byte, gas, cost uint64, scope tracing.OpContext, data []byte, depth int, err error) {
			if r.step(op, scope) {
				next(pc, op, gas, cost, scope, data, depth, err)
			}
		}
	}
	if next := h.OnOpcodeV2; next != nil {
		h.OnOpcodeV2 = func(pc uint64, op byte, gas, cost tracing.Gas, scope tracing.OpContext, data []byte, depth int, err error) {
			if r.step(op, scope) {
				next(pc, op, gas, cost, scope, data, depth, err)
			}
		}
	}
}

// step charges for what KECCAK256 reads, if a tracer keeps it.
func (r *request) step(op byte, scope tracing.OpContext) bool {
	if r.hashes && vm.OpCode(op) == vm.KECCAK256 {
		if stack := scope.StackData(); len(stack) >= 2 {
			most := uint64(len(scope.MemoryData()) + keccakPad) // more is refused by the tracers
			size := stack[len(stack)-2]
			if !size.IsUint64() || size.Uint64() > most {
				size.SetUint64(most)
			}
			return r.spend(slotBytes + 2*int(size.Uint64()))
		}
	}
	return !r.over
}

// meteredState charges for what a tracer reads of the state to keep it.
type meteredState struct {
	tracing.StateDB
	r    *request
	seen map[common.Address]struct{} // whose code was charged for
}

// GetCode implements tracing.StateDB: no code is given when the budget is spent.
func (s *meteredState) GetCode(addr common.Address) []byte {
	code := s.StateDB.GetCode(addr)
	if _, again := s.seen[addr]; again {
		return code
	}
	s.seen[addr] = struct{}{}
	if !s.r.spend(acctBytes + 2*len(code)) {
		return nil
	}
	return code
}

// GetState implements tracing.StateDB.
func (s *meteredState) GetState(addr common.Address, slot common.Hash) common.Hash {
	s.r.spend(slotBytes)
	return s.StateDB.GetState(addr, slot)
}
