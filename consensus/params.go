package consensus

import (
	"errors"
	"fmt"
)

// Params are the protocol parameters of a network. They are part of genesis,
// so every validator has the same ones; later only the members' votes change
// them, at an epoch boundary. The zero value is not usable: start from
// DefaultParams.
type Params struct {
	EpochLength          uint64 `json:"epochLength"`          // K, sequence numbers per epoch and between checkpoints
	PipelineDepth        uint64 `json:"pipelineDepth"`        // W, sequence numbers in flight above the last committed one
	PrimarySpan          uint64 `json:"primarySpan"`          // R, fresh sequence numbers before the next primary; 0 = stable primary
	BaseTimeoutMs        uint64 `json:"baseTimeoutMs"`        // T0, milliseconds
	MaxTimeoutMs         uint64 `json:"maxTimeoutMs"`         // Tmax, milliseconds
	StatusIntervalMs     uint64 `json:"statusIntervalMs"`     // STATUS while work is in hand, milliseconds
	IdleStatusIntervalMs uint64 `json:"idleStatusIntervalMs"` // STATUS while idle, milliseconds
	BlockGasLimit        uint64 `json:"blockGasLimit"`        // gas per block
	MaxBatchTransactions uint64 `json:"maxBatchTransactions"` // transactions per batch
	MaxBatchBytes        uint64 `json:"maxBatchBytes"`        // bytes of transaction bodies per batch
	ClockDriftMs         uint64 `json:"clockDriftMs"`         // how far a proposal's time may lie ahead, milliseconds
	EmptyBlockMs         uint64 `json:"emptyBlockMs"`         // an empty block after this silence, milliseconds; 0 = never
	MinGasPrice          uint64 `json:"minGasPrice"`          // wei per gas, the base fee of every block
}

// TickMs is the length of one tick, the only unit of time inside a replica.
const TickMs = 10

// ClockBehindMs is how far a fresh proposal's time may lie in the past: enough
// for a batch that waited for its transactions, too little to rewrite history.
const ClockBehindMs = 10_000

// TransactionGasCap is Osaka's cap on the gas of one transaction (EIP-7825).
// A block that could not hold one such transaction would refuse deployments at
// the code-size limit.
const TransactionGasCap = 1 << 24

// Bounds of parameters. Each keeps one message or one buffer of the protocol
// bounded.
const (
	maxEpochLength   = 1 << 16        // votes and bitmaps of one epoch stay in memory
	maxPipelineDepth = 256            // one speculative state layer each
	maxTimeoutMs     = 60 * 60 * 1000 // an hour: longer is a stopped network
	maxBatchTxs      = 100_000        // 3.2 MB of hashes
	maxBatchBytes    = 8 << 20        // with header and certificate it is one chunk of block sync (16 MiB)
	minBatchBytes    = 256 << 10      // two transactions of the largest size
)

// DefaultParams returns the defaults of the protocol (docs/protocol.md §2).
func DefaultParams() Params {
	return Params{
		EpochLength:          64,
		PipelineDepth:        8,
		PrimarySpan:          16,
		BaseTimeoutMs:        1_000,
		MaxTimeoutMs:         16_000,
		StatusIntervalMs:     1_000,
		IdleStatusIntervalMs: 5_000,
		BlockGasLimit:        100_000_000,
		MaxBatchTransactions: 5_000,
		MaxBatchBytes:        4 << 20,
		ClockDriftMs:         2_000,
	}
}

// Validate reports every parameter that is out of range, and every pair that
// contradicts, in one joined error. Each part begins with the JSON name.
func (p Params) Validate() error {
	var errs []error
	within := func(name string, v, low, high uint64) {
		if v < low || v > high {
			errs = append(errs, fmt.Errorf("%s: %d is outside %d … %d", name, v, low, high))
		}
	}
	within("epochLength", p.EpochLength, 1, maxEpochLength)
	within("pipelineDepth", p.PipelineDepth, 1, maxPipelineDepth)
	within("primarySpan", p.PrimarySpan, 0, maxEpochLength)
	within("baseTimeoutMs", p.BaseTimeoutMs, 10*TickMs, maxTimeoutMs)
	within("maxTimeoutMs", p.MaxTimeoutMs, 10*TickMs, maxTimeoutMs)
	within("statusIntervalMs", p.StatusIntervalMs, 10*TickMs, maxTimeoutMs)
	within("idleStatusIntervalMs", p.IdleStatusIntervalMs, 10*TickMs, maxTimeoutMs)
	within("blockGasLimit", p.BlockGasLimit, TransactionGasCap, 1<<53)
	within("maxBatchTransactions", p.MaxBatchTransactions, 1, maxBatchTxs)
	within("maxBatchBytes", p.MaxBatchBytes, minBatchBytes, maxBatchBytes)
	within("clockDriftMs", p.ClockDriftMs, TickMs, maxTimeoutMs)
	within("emptyBlockMs", p.EmptyBlockMs, 0, 1<<53)
	within("minGasPrice", p.MinGasPrice, 0, 1<<53)
	if p.MaxTimeoutMs < p.BaseTimeoutMs {
		errs = append(errs, fmt.Errorf("maxTimeoutMs: %d is below baseTimeoutMs %d", p.MaxTimeoutMs, p.BaseTimeoutMs))
	}
	if p.IdleStatusIntervalMs < p.StatusIntervalMs {
		errs = append(errs, fmt.Errorf("idleStatusIntervalMs: %d is below statusIntervalMs %d", p.IdleStatusIntervalMs, p.StatusIntervalMs))
	}
	return errors.Join(errs...)
}

// CheckStable refuses a stable primary with epochs that fit into its window. One
// that censors would fill the whole of each before it is replaced: what is
// prepared is proposed again, nothing else fits, and it is back with the next
// epoch, without ever having been suspended.
func (p Params) CheckStable() error {
	if p.PrimarySpan == 0 && p.EpochLength <= p.PipelineDepth {
		return fmt.Errorf("epochLength: with a stable primary (primarySpan 0) it must be above pipelineDepth, %d, and is %d", p.PipelineDepth, p.EpochLength)
	}
	return nil
}
