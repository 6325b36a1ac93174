package pbft

import "errors"

// Every rule by which a message is refused has one error. Metrics count by
// them, scripts print them, tests name them.
var (
	ErrHalted     = errors.New("halted")
	ErrEpoch      = errors.New("not this epoch")
	ErrSender     = errors.New("sender is not in the epoch's set")
	ErrSeqRange   = errors.New("sequence number outside the epoch or at or below the stable checkpoint")
	ErrCommitted  = errors.New("sequence number is committed already")
	ErrWindow     = errors.New("sequence number beyond the window")
	ErrOldView    = errors.New("view is over")
	ErrFutureView = errors.New("view has not begun, and there is no room to wait for it")
	ErrNotPrimary = errors.New("sender is not the primary")
	ErrEquivocate = errors.New("second statement for the same place")
	ErrConflict   = errors.New("another digest was accepted here")
	ErrParent     = errors.New("parent digest is not the one before")
	ErrHeader     = errors.New("batch header contradicts the PRE-PREPARE")
	ErrGasLimit   = errors.New("gas limit is not the epoch's")
	ErrSize       = errors.New("batch exceeds the epoch's caps")
	ErrTime       = errors.New("batch time is not after its parent's, or too far in the past")
	ErrBodies     = errors.New("batch holds an invalid transaction")
	ErrReproposed = errors.New("the NEW-VIEW proposes here")
	ErrFetches    = errors.New("too many requests")
	ErrUnasked    = errors.New("nothing here waits for this batch")
	ErrKind       = errors.New("no such message here")
)

// Halts: the replica stops voting, and its operator must look.
var (
	ErrDivergence = errors.New("state divergence: a valid certificate names another block hash than this replica's execution")
	ErrSplit      = errors.New("execution split: no block hash can reach a quorum any more")
	ErrFork       = errors.New("two certificates for one sequence number: more than f validators are faulty")
)
