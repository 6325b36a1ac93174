package rpc

import "time"

// Limits bound what a client can ask for. One value serves the transport and
// the methods.
type Limits struct {
	BodyBytes          int           // HTTP request body, bytes: a batch of 1,000 large transactions fits
	BatchItems         int           // calls in one batch; more is HTTP 413, clients halve and repeat
	BatchResponseBytes int           // answers of one batch, bytes: bounds memory per request
	WebSocketBytes     int64         // one WebSocket message, bytes: as a body
	Depth              int           // nesting of a request's JSON; the deepest call has 10 levels
	Connections        int           // open connections; further ones wait in the system's queue
	SmallBody          int           // a body up to this is read at once, bytes: 300 transfers; bounds memory with Connections
	LargeRequests      int           // larger bodies received and worked on at once: a slow sender blocks only these
	Requests           int           // requests worked on at once: answers in memory
	HeaderTimeout      time.Duration // a client sends its headers within this, or is cut off
	ReadTimeout        time.Duration // and its whole request within this
	WriteTimeout       time.Duration // and takes its answer within this; longer calls get -32002
	IdleTimeout        time.Duration // an unused connection is kept for this
	StopTimeout        time.Duration // at the end, running requests may take this

	CallerRate  int           // calls a second of one caller: a token, a certificate, or else an address; 0 for no limit. A call of a batch is a call
	CallerBurst int           // calls that a caller can make at once, after a silence; also the most in one batch when the rate is limited
	CallerHeavy int           // heavy calls (as those of HeavyCalls and Traces) of one caller at once; 0 for no limit
	Callers     int           // callers, and verified tokens, that are remembered: 4 MB; the ones seen last
	TokenBytes  int           // a bearer token; the longest list of permissions fits
	TokenLeeway time.Duration // by which clocks may differ, on a token's exp and nbf
	HeaderBytes int           // all headers of a request
	ReloadEvery time.Duration // key and certificate files are read again when they changed, after this at the latest

	CallGas             uint64        // gas of eth_call, eth_estimateGas and all calls of one eth_simulateV1 together: 3 × the largest transaction
	CallTimeout         time.Duration // time of one eth_call, eth_estimateGas, eth_createAccessList or eth_simulateV1
	HeavyCalls          int           // executions at once, each on a thread of low priority
	SimulateBlocks      int           // blocks of one eth_simulateV1, those that fill gaps included: as geth, BLOCKHASH reaches no farther
	SimulateBlockCalls  int           // calls in one of these blocks, as geth
	SimulateCalls       int           // calls in all of these blocks, as geth
	SimulateBytes       int           // what these calls return and log, bytes: the answer has three times as many
	LogScans            int           // eth_getLogs over more than a few blocks at once, each on a thread of low priority: they are longer, and must not keep calls waiting
	LogResults          int           // logs in one answer
	LogBytes            int           // data and topics of these logs, bytes
	LogTimeout          time.Duration // time of one eth_getLogs; the blocks of a range are not bounded, the index finds those that matter
	LogAlternatives     int           // addresses, or topics at one position, of one filter
	Traces              int           // debug_trace* and what stands on them (ots_) at once, each on a thread of low priority; it may hold its bytes several times
	TraceTimeout        time.Duration // time of one debug_trace*, the wait for its place included; a client's own timeout is cut to it
	TraceBytes          int           // answer of one debug_trace*, and about what is collected for it, bytes: as of a batch
	TraceTracers        int           // tracers in one muxTracer, itself included: each step calls all of them
	PoolBytes           int           // answer of one txpool_content or txpool_inspect, bytes: as of a batch
	PoolDumps           int           // of these at once
	OtsPage             int           // transactions on one page of ots_getBlockTransactions
	ProofKeys           int           // slots of one eth_getProof, as geth
	StorageSlots        int           // slots of one eth_getStorageValues, as geth
	SyncTimeout         time.Duration // an eth_sendRawTransactionSync without a timeout waits for this, as EIP-7966 recommends
	SyncMaxTimeout      time.Duration // and with one for at most this
	SyncGrace           time.Duration // a transaction that the pool holds back waits for what it lacks: it may have been sent a moment later
	SyncSends           int           // eth_sendRawTransactionSync that wait at once: each takes one of Requests
	Filters             int           // filters of all clients together
	FilterValues        int           // addresses and topics in them together: bounds their memory at 3 MB
	FilterTimeout       time.Duration // a filter that nobody asks for so long is gone, as in geth
	FilterHashes        int           // newest pending transactions kept for filters, 2 MB: 13 s at 5,000 a second
	FeeBlocks           uint64        // blocks of one eth_feeHistory, as geth
	FeePercentiles      int           // percentiles of one eth_feeHistory, as geth
	HistoryEntries      int           // entries in one answer of pbft_viewChanges or pbft_evidence: all that a node remembers
	ParticipationBlocks uint64        // blocks of one pbft_participation: all that a node remembers, 1.5 MB
	ProtocolBuffer      int           // messages that a subscriber to the protocol may lag behind before it is cut off: seconds
	PendingBuffer       int           // groups of pending transactions that a subscriber may lag behind before it is cut off
	FeedBuffer          int           // blocks that a subscriber may lag behind before it is cut off
	Subscriptions       int           // subscriptions of all connections together
	PerConnection       int           // subscriptions of one connection: a client cannot take all

	RangeBlocks     int           // blocks in one answer of GET /v1/blocks
	RangeBytes      int           // and bytes of it, before compression; one block always fits. The last line says where to go on
	Ranges          int           // of these answers at once: each holds one block in memory
	RangeHold       time.Duration // a reader of one keeps its place for this; after that the slowest is cut off when another waits, and goes on behind its last line
	BlockReads      int           // reads of blocks for GET /v1/blocks, GET /v1/stream and pbft_subscribe("blocks") at once, each on a thread of low priority
	Streams         int           // GET /v1/stream and pbft_subscribe("blocks") at once: half of Connections
	StreamCache     int           // encoded blocks near the head that streams share, bytes: 10 blocks of 1,000 transfers with receipts
	StreamHeartbeat time.Duration // a stream without a new block has a comment after this: proxies close what is silent for a minute
	StreamHold      time.Duration // a client of a stream that takes no 64 KiB within this keeps no block in memory: it is read anew
}

// DefaultLimits returns the limits of a node with 2 cores.
func DefaultLimits() Limits {
	return Limits{
		BodyBytes: 5 << 20, BatchItems: 1000, BatchResponseBytes: 25_000_000,
		WebSocketBytes: 5 << 20, Depth: 64, Connections: 1024, SmallBody: 128 << 10, LargeRequests: 32, Requests: 128,
		HeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 120 * time.Second, StopTimeout: 3 * time.Second,
		CallerBurst: 2000, Callers: 8192, TokenBytes: 16 << 10, TokenLeeway: 30 * time.Second, HeaderBytes: 64 << 10, ReloadEvery: 5 * time.Second,
		CallGas: 50_000_000, CallTimeout: 5 * time.Second, HeavyCalls: 2,
		SimulateBlocks: 256, SimulateBlockCalls: 5000, SimulateCalls: 10_000, SimulateBytes: 8_000_000,
		LogScans:   1,
		LogResults: 10_000, LogBytes: 20_000_000, LogTimeout: 10 * time.Second, LogAlternatives: 1000,
		Traces: 1, TraceTimeout: 10 * time.Second, TraceBytes: 25_000_000, TraceTracers: 16,
		PoolBytes: 25_000_000, PoolDumps: 2, OtsPage: 1000,
		ProofKeys: 1024, StorageSlots: 1024,
		SyncTimeout: 2 * time.Second, SyncMaxTimeout: 20 * time.Second, SyncGrace: 500 * time.Millisecond, SyncSends: 64,
		Filters: 4096, FilterValues: 100_000, FilterTimeout: 5 * time.Minute, FilterHashes: 65_536,
		FeeBlocks: 1024, FeePercentiles: 100,
		HistoryEntries: 1000, ParticipationBlocks: 10_000, ProtocolBuffer: 4096,
		PendingBuffer: 256, FeedBuffer: 128, Subscriptions: 4096, PerConnection: 128,
		RangeBlocks: 1000, RangeBytes: 64 << 20, Ranges: 16, RangeHold: 20 * time.Second, BlockReads: 1,
		Streams: 512, StreamCache: 32 << 20, StreamHeartbeat: 15 * time.Second, StreamHold: time.Second,
	}
}
