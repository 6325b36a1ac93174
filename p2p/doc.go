// Package p2p is the network of a Quorate node: a libp2p host for a network
// whose members are known. It carries bytes and knows no protocol; what a vote,
// a batch or a block is, its callers know.
//
//	                   Broadcast / OnMessage       Push / OnPush       Request / Serve
//	                           │                        │                    │
//	       ┌───────────────────┴──────────┐      one long stream       one stream per
//	       │ gossip                       │      per peer and          request; chunks
//	       │  consensus: D=0, flood, all  │      protocol, bounded     with result codes,
//	       │             validators, 1 hop│      queue, coalesced      token bucket
//	       │  mesh:      D=6, everybody   │      (push.go,receive.go)  (request.go,serve.go)
//	       └───────────────────┬──────────┘             │                    │
//	                           └────────────┬───────────┴────────────────────┘
//	OnPeer, Peers ◄── peerTable ◄── handshake (hello: version, chain, genesis, record)
//	                       ▲               ▲
//	  watchdog ── closes ──┤        libp2p connection: TCP, TLS 1.3 or Noise, yamux
//	  dialer ── dials ─────┘               ▲
//	    ▲                           gater: allow-list, rate per address
//	  book of signed node records (disk, hello, exchange)
//
// # Life of a connection
//
// The dialer wants a member (a validator wants all validators, an observer
// eight peers) and dials its addresses: those of its newest node record first,
// then those of the member list. Or somebody connects: the gater bounds
// connections per address before the cryptographic handshake, and closes those
// of strangers right after it, before a muxer or a stream exists. Then the side
// that dialled sends a hello on /quorate/handshake/1, the one protocol whose
// name does not carry the chain, so that nodes of different networks can tell
// each other what differs. Only when both have agreed does the peer count as
// connected: OnPeer, Peers, Push and Request know no earlier state. A stream
// that arrives before its own side of the handshake is finished waits for it.
//
// # Node records
//
// A Record says where a node is. It is signed by the node key (whose public
// half is the peer id) and, for validators, by the validator key, so that it
// can be passed on by anybody and changed by nobody. Its number grows over
// restarts: it is the time in milliseconds, or one more than the last one if
// the clock went back; and a node that is shown a newer record of itself
// surpasses it. Records travel in hellos and on the push protocol "peers": all
// that is known to a new peer, and what is new to everybody else. They are kept
// at Config.BookPath, written atomically and only after a change.
//
// # Invariants
//
//   - Nothing a stranger does gets further than the gater.
//   - Every length is compared with its cap before memory is allocated, and
//     memory for frames is taken from the peer's share of the resource manager.
//   - Push never blocks. Every queue is bounded and every drop is counted.
//   - Gossip and push may lose messages, push may also double them: callers
//     repair (STATUS in the consensus). Nothing here is ever trusted to deliver.
//   - Gossip removes duplicates by content for a minute or two, so the same
//     bytes are sent once; a re-send needs a changed byte or another channel.
//   - A connected peer that is absent from a topic for 3 s is reconnected: in
//     pubsub v0.17.0 one reset stream silences a link for ever (watchdog.go).
//   - New starts nothing. Run owns every goroutine and returns when all ended.
//   - An idle node writes nothing to disk.
//   - Every bound is in Limits or, if both ends must agree, a constant beside it.
//
// # What it does not do
//
// No discovery beyond the member list: no DHT, rendezvous, mDNS, relay, NAT
// traversal. No peer scoring: it can partition honest validators; a faulty
// validator is the business of evidence and of the member list. No connection
// manager: the member list bounds the connections. No encryption or signature
// of messages beyond the connection: consensus messages carry their own.
//
// # Where to start
//
// host.go (New, Run), handshake.go, gossip.go, push.go. Tests with many nodes
// run in virtual time (cluster_test.go, restart_test.go: libp2p over simulated
// QUIC in a testing/synctest bubble); hostile ones on loopback TCP
// (villain_test.go).
package p2p
