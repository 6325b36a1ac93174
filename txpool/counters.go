package txpool

import "sync/atomic"

// Counters count since New; every loss at a bound has one. They are read for
// metrics while the pool runs.
type Counters struct {
	Admitted        atomic.Uint64 // transactions
	Refused         atomic.Uint64 // submitted here and refused
	Dropped         atomic.Uint64 // admitted, then evicted, expired, replaced or unincludable
	Mined           atomic.Uint64 // included in a block while known here
	GossipSent      atomic.Uint64 // messages
	GossipReceived  atomic.Uint64 // messages
	GossipMalformed atomic.Uint64 // messages
	GossipIgnored   atomic.Uint64 // transactions of others not admitted
	OutboxDropped   atomic.Uint64 // local transactions left to the rebroadcast
	SyncDropped     atomic.Uint64 // peers not asked for their transactions: too many at a time
	SubscriberLost  atomic.Uint64 // transactions that a slow subscriber did not get
}
