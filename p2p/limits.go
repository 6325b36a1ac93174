package p2p

import (
	"errors"
	"fmt"
	"time"
)

// Limits holds every bound of the package. The zero value of a field means its
// default, so a caller sets only what it wants to change.
type Limits struct {
	// HandshakeTimeout bounds our own handshake, from the moment a connection
	// is authenticated: a peer that says nothing is cut off. Default 10 s.
	HandshakeTimeout time.Duration
	// AcceptRate is how many inbound connections a second one address (IPv4
	// /32, IPv6 /64) may begin. Each costs about 1 ms of CPU before the peer is
	// known to be a stranger. Default 5.
	AcceptRate int
	// AcceptBurst is how many it may begin at once; a whole devnet on
	// 127.0.0.1 starts together. Default 128.
	AcceptBurst int
	// AcceptInFlight is how many inbound connections, of all addresses, may be
	// inside the TLS or Noise handshake at once. Default 64.
	AcceptInFlight int
	// ConnsPerPeer bounds the connections of one member. Two are normal (both
	// sides dialled), the rest is room for half-open ones. Default 8.
	ConnsPerPeer int
	// StreamsPerPeer bounds the open streams of one member, each direction.
	// About 20 are in use. Default 256.
	StreamsPerPeer int
	// MemoryPerPeer and MemoryTotal bound what the resource manager accounts
	// for (stream windows, frames being read), in bytes. Defaults 128 MiB, 1 GiB.
	MemoryPerPeer, MemoryTotal int64

	// MaxGossipBytes is the largest message that Broadcast takes. More belongs
	// on a stream. Default 1 MiB less 4 KiB for the envelope.
	MaxGossipBytes int

	// PushQueueMessages and PushQueueBytes bound the outbound queue of one
	// (peer, protocol). Defaults 1,024 messages, 64 MiB.
	PushQueueMessages, PushQueueBytes int
	// WriteTimeout is how long one write may block on a peer that does not
	// read before the stream is reset, beyond the time that its size allows
	// (FrameTimeout, FrameRate). Default 10 s.
	WriteTimeout time.Duration
	// FrameTimeout and FrameRate bound how slowly the body of an announced
	// frame may trickle in: FrameTimeout + size/FrameRate. Defaults 10 s and
	// 131,072 bytes a second (1 Mbit/s).
	FrameTimeout time.Duration
	FrameRate    int

	// MaxChunkBytes is the largest chunk of a response; a block is one chunk.
	// Default 16 MiB.
	MaxChunkBytes int
	// RequestTimeout bounds a whole request at both ends. Default 2 min.
	RequestTimeout time.Duration
	// ChunkTimeout is how long a client waits for the next chunk. Default 10 s.
	ChunkTimeout time.Duration
	// RequestsPerPeer is how many requests of one peer are served at once, and
	// how many a client has open to one peer. Default 4.
	RequestsPerPeer int
	// RequestRate and RequestBurst are the token bucket of one peer at the
	// server, in requests a second. Defaults 200, 400.
	RequestRate, RequestBurst int
	// RequestWait is how long the server lets a request wait for a token
	// before it answers "busy". Default 1 s.
	RequestWait time.Duration

	// DialTimeout bounds one attempt with all addresses of a peer. Default 3 s:
	// the four round trips of a new connection on a slow link.
	DialTimeout time.Duration
	// DialBackoffMin and DialBackoffMax: the first and the longest pause
	// between attempts; it doubles in between, with ±20 % jitter. Defaults
	// 250 ms, 1 s: with DialTimeout the time in which a node that was cut off is
	// connected again.
	DialBackoffMin, DialBackoffMax time.Duration
	// DialsInFlight bounds the attempts of this node that run at once. Default 32.
	DialsInFlight int
	// HealthyAfter is how long a connection must live for the backoff to start
	// again from the minimum. Default 30 s.
	HealthyAfter time.Duration
	// ObserverPeers is how many peers an observer wants; above it dials no
	// more. Validators dial all validators. Default 8.
	ObserverPeers int
	// WatchPeriod is the period of the watchdog, and GossipSilence how long a
	// connected peer may be absent from a topic before the connection is
	// closed and dialled anew. Defaults 1 s, 3 s.
	WatchPeriod, GossipSilence time.Duration

	// RecordLife is the validity of a node record; it is signed anew at half
	// of it. Default 30 days.
	RecordLife time.Duration
	// RecordRate and RecordBurst bound the records a second that one peer may
	// have us verify (two signature recoveries each). Defaults 20, 512.
	RecordRate, RecordBurst int
	// BookDelay gathers changes of the address book into one write. Default 500 ms.
	BookDelay time.Duration
}

// Fixed sizes of the formats; not configurable because both ends must agree.
const (
	maxHelloBytes     = 16 << 10  // one hello with its record, bytes
	maxRecordBytes    = 4 << 10   // one node record, bytes
	maxRecordAddrs    = 16        // addresses in a record
	maxRecordSeq      = 1 << 62   // so that a larger one always exists
	maxAddrBytes      = 256       // one multiaddr as text, bytes
	maxClientBytes    = 64        // client version in the hello, bytes
	maxTopics         = 8         // topics in the hello
	maxTopicBytes     = 64        // one topic name in the hello, bytes
	maxRecords        = 1024      // records in one exchange, and in the book
	maxExchangeBytes  = 512 << 10 // one exchange of records, bytes
	maxBookBytes      = 8 << 20   // the address book on disk, bytes
	maxErrorBytes     = 256       // error text in a response, bytes
	gossipEnvelope    = 4 << 10   // room for pubsub's own fields, bytes
	maxGossipWire     = 1 << 20   // one pubsub RPC, bytes
	maxGossipControl  = 512 << 10 // control part of one pubsub RPC, bytes
	maxAcceptEntries  = 4096      // addresses remembered by the accept limiter
	maxAddrsPerMember = 64        // addresses configured for one member
)

// DefaultLimits returns the limits with every field at its default.
func DefaultLimits() Limits {
	return Limits{
		HandshakeTimeout: 10 * time.Second,
		AcceptRate:       5, AcceptBurst: 128, AcceptInFlight: 64,
		ConnsPerPeer: 8, StreamsPerPeer: 256,
		MemoryPerPeer: 128 << 20, MemoryTotal: 1 << 30,
		MaxGossipBytes:    maxGossipWire - gossipEnvelope,
		PushQueueMessages: 1024, PushQueueBytes: 64 << 20,
		WriteTimeout: 10 * time.Second,
		FrameTimeout: 10 * time.Second, FrameRate: 128 << 10,
		MaxChunkBytes:  16 << 20,
		RequestTimeout: 2 * time.Minute, ChunkTimeout: 10 * time.Second,
		RequestsPerPeer: 4, RequestRate: 200, RequestBurst: 400, RequestWait: time.Second,
		DialTimeout:    3 * time.Second,
		DialBackoffMin: 250 * time.Millisecond, DialBackoffMax: time.Second,
		DialsInFlight: 32, HealthyAfter: 30 * time.Second, ObserverPeers: 8,
		WatchPeriod: time.Second, GossipSilence: 3 * time.Second,
		RecordLife: 30 * 24 * time.Hour, RecordRate: 20, RecordBurst: 512,
		BookDelay: 500 * time.Millisecond,
	}
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, p := range []struct{ have, def *time.Duration }{
		{&l.HandshakeTimeout, &d.HandshakeTimeout},
		{&l.WriteTimeout, &d.WriteTimeout},
		{&l.FrameTimeout, &d.FrameTimeout},
		{&l.RequestTimeout, &d.RequestTimeout},
		{&l.ChunkTimeout, &d.ChunkTimeout},
		{&l.RequestWait, &d.RequestWait},
		{&l.DialTimeout, &d.DialTimeout},
		{&l.DialBackoffMin, &d.DialBackoffMin},
		{&l.DialBackoffMax, &d.DialBackoffMax},
		{&l.HealthyAfter, &d.HealthyAfter},
		{&l.WatchPeriod, &d.WatchPeriod},
		{&l.GossipSilence, &d.GossipSilence},
		{&l.RecordLife, &d.RecordLife},
		{&l.BookDelay, &d.BookDelay},
	} {
		if *p.have == 0 {
			*p.have = *p.def
		}
	}
	for _, p := range []struct{ have, def *int }{
		{&l.AcceptRate, &d.AcceptRate},
		{&l.AcceptBurst, &d.AcceptBurst},
		{&l.AcceptInFlight, &d.AcceptInFlight},
		{&l.ConnsPerPeer, &d.ConnsPerPeer},
		{&l.StreamsPerPeer, &d.StreamsPerPeer},
		{&l.MaxGossipBytes, &d.MaxGossipBytes},
		{&l.PushQueueMessages, &d.PushQueueMessages},
		{&l.PushQueueBytes, &d.PushQueueBytes},
		{&l.FrameRate, &d.FrameRate},
		{&l.MaxChunkBytes, &d.MaxChunkBytes},
		{&l.RequestsPerPeer, &d.RequestsPerPeer},
		{&l.RequestRate, &d.RequestRate},
		{&l.RequestBurst, &d.RequestBurst},
		{&l.DialsInFlight, &d.DialsInFlight},
		{&l.ObserverPeers, &d.ObserverPeers},
		{&l.RecordRate, &d.RecordRate},
		{&l.RecordBurst, &d.RecordBurst},
	} {
		if *p.have == 0 {
			*p.have = *p.def
		}
	}
	if l.MemoryPerPeer == 0 {
		l.MemoryPerPeer = d.MemoryPerPeer
	}
	if l.MemoryTotal == 0 {
		l.MemoryTotal = d.MemoryTotal
	}
	return l
}

// Validate reports all faults of the limits at once. Zero fields are faults
// here: New fills them first.
func (l Limits) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"HandshakeTimeout", l.HandshakeTimeout},
		{"WriteTimeout", l.WriteTimeout},
		{"FrameTimeout", l.FrameTimeout},
		{"RequestTimeout", l.RequestTimeout},
		{"ChunkTimeout", l.ChunkTimeout},
		{"RequestWait", l.RequestWait},
		{"DialTimeout", l.DialTimeout},
		{"DialBackoffMin", l.DialBackoffMin},
		{"DialBackoffMax", l.DialBackoffMax},
		{"HealthyAfter", l.HealthyAfter},
		{"WatchPeriod", l.WatchPeriod},
		{"GossipSilence", l.GossipSilence},
		{"RecordLife", l.RecordLife},
		{"BookDelay", l.BookDelay},
	} {
		check(d.v > 0, "%s is %v, must be above zero", d.name, d.v)
	}
	for _, n := range []struct {
		name string
		v    int64
	}{
		{"AcceptRate", int64(l.AcceptRate)},
		{"AcceptBurst", int64(l.AcceptBurst)},
		{"AcceptInFlight", int64(l.AcceptInFlight)},
		{"ConnsPerPeer", int64(l.ConnsPerPeer)},
		{"StreamsPerPeer", int64(l.StreamsPerPeer)},
		{"MemoryPerPeer", l.MemoryPerPeer},
		{"MemoryTotal", l.MemoryTotal},
		{"MaxGossipBytes", int64(l.MaxGossipBytes)},
		{"PushQueueMessages", int64(l.PushQueueMessages)},
		{"PushQueueBytes", int64(l.PushQueueBytes)},
		{"FrameRate", int64(l.FrameRate)},
		{"MaxChunkBytes", int64(l.MaxChunkBytes)},
		{"RequestsPerPeer", int64(l.RequestsPerPeer)},
		{"RequestRate", int64(l.RequestRate)},
		{"RequestBurst", int64(l.RequestBurst)},
		{"DialsInFlight", int64(l.DialsInFlight)},
		{"ObserverPeers", int64(l.ObserverPeers)},
		{"RecordRate", int64(l.RecordRate)},
		{"RecordBurst", int64(l.RecordBurst)},
	} {
		check(n.v > 0, "%s is %d, must be above zero", n.name, n.v)
	}
	check(l.MaxGossipBytes <= maxGossipWire-gossipEnvelope, "MaxGossipBytes is %d, at most %d fits into a pubsub message", l.MaxGossipBytes, maxGossipWire-gossipEnvelope)
	check(l.DialBackoffMin <= l.DialBackoffMax, "DialBackoffMin %v is above DialBackoffMax %v", l.DialBackoffMin, l.DialBackoffMax)
	check(l.MemoryPerPeer <= l.MemoryTotal, "MemoryPerPeer %d is above MemoryTotal %d", l.MemoryPerPeer, l.MemoryTotal)
	check(int64(l.MaxChunkBytes)*int64(l.RequestsPerPeer) <= l.MemoryPerPeer, "RequestsPerPeer %d chunks of MaxChunkBytes %d do not fit into MemoryPerPeer %d", l.RequestsPerPeer, l.MaxChunkBytes, l.MemoryPerPeer)
	check(l.GossipSilence >= l.WatchPeriod, "GossipSilence %v is below WatchPeriod %v", l.GossipSilence, l.WatchPeriod)
	return errors.Join(errs...)
}
