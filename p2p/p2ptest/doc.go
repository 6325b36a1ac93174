// Package p2ptest is a network in a bottle for tests of whole nodes: libp2p over
// simulated QUIC in virtual time.
//
//	synctest.Test(t, func(t *testing.T) {
//		sim := p2ptest.New(20 * time.Millisecond)     // one way
//		cfg.Listen = []string{sim.Listen("1.0.0.1", 8000)}
//		cfg.Transport = sim.Transport()               // one call per host
//		…                                             // p2p.New for every node
//		sim.Start()
//		defer sim.Close()                             // after every host's Run has ended
//		…
//	})
//
// Latency, loss and cuts between addresses can be changed at any time. A run is
// repeatable to about 0.1 ms, not to the bit: libp2p uses random keys and Go's
// select. Hosts must be built with p2p.New (it switches off what stalls in a
// bubble), and an address that was bound cannot be bound again: restart a node
// on another port.
//
// It does not simulate TCP, TLS over TCP or yamux; tests on loopback do that.
package p2ptest
