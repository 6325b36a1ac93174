package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"
)

// attackMemory is by how much a node may grow under any attack here, in bytes.
const attackMemory = 96 << 20

// healthy runs an attack on a node, and checks that the node has stayed itself:
// the same process, no more than attackMemory larger, with its peers, and that
// the chain goes on meanwhile and afterwards.
func (d *devnet) healthy(t *testing.T, n *node, name string, attack func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		before := residentBytes(t, n.PID)
		began := time.Now()
		attack(t)
		took := time.Since(began)
		a := d.account(0)
		a.t = t
		blocks(t, a, n, 2)
		after := residentBytes(t, n.PID)
		if after > before+attackMemory {
			t.Errorf("the node has grown from %d to %d MB", before>>20, after>>20)
		}
		allConnected(t, d, discoverLimit)
		if err := gone(n.PID)(t.Context()); err == nil {
			t.Errorf("the node has ended:\n%s", n.logTail(20))
		}
		if log := n.logTail(1000); strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
			t.Errorf("a panic:\n%s", n.logTail(60))
		}
		t.Logf("%s of attack; resident before and after: %d and %d MB", ms(took), before>>20, after>>20)
	})
}

// residentBytes is the memory of a process, from /proc.
func residentBytes(t testing.TB, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}

// TestHostileBytes: garbage, truncated and giant frames, and clients that never
// finish, on the peer port and on the RPC port.
func TestHostileBytes(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	allConnected(t, d, commitLimit)
	n := d.Validators[1]
	p2pPort := fmt.Sprintf("127.0.0.1:%d", d.ports.p2p+1)
	rpcPort := strings.TrimPrefix(n.RPC, "http://")

	garbage := make([]byte, 1<<20)
	if _, err := rand.Read(garbage); err != nil {
		t.Fatal(err)
	}
	giant := append([]byte("\x13/multistream/1.0.0\n"), binary.AppendUvarint(nil, 1<<40)...)
	upgrade := "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	giantFrame := append([]byte(upgrade), 0x81, 0xff, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4)

	d.healthy(t, n, "peer port: garbage", func(t *testing.T) { throw(t, p2pPort, 100, garbage) })
	d.healthy(t, n, "peer port: giant frame", func(t *testing.T) { throw(t, p2pPort, 100, append(giant, garbage...)) })
	d.healthy(t, n, "peer port: truncated", func(t *testing.T) { throw(t, p2pPort, 200, []byte("\x13/multistream/1.")) })
	d.healthy(t, n, "peer port: silence", func(t *testing.T) { hold(t, p2pPort, 300, nil) })
	d.healthy(t, n, "RPC: garbage", func(t *testing.T) { throw(t, rpcPort, 100, garbage) })
	d.healthy(t, n, "RPC: giant body", func(t *testing.T) {
		throw(t, rpcPort, 30, append([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1099511627776\r\n\r\n"), garbage...))
	})
	d.healthy(t, n, "RPC: endless header", func(t *testing.T) {
		throw(t, rpcPort, 30, append([]byte("POST / HTTP/1.1\r\nX: "), bytes.Repeat([]byte("x"), 4<<20)...))
	})
	d.healthy(t, n, "RPC: unfinished requests", func(t *testing.T) {
		hold(t, rpcPort, 300, []byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"))
	})
	d.healthy(t, n, "WebSocket: giant frame", func(t *testing.T) { throw(t, rpcPort, 50, append(giantFrame, garbage...)) })
	d.healthy(t, n, "WebSocket: garbage", func(t *testing.T) { throw(t, rpcPort, 50, append([]byte(upgrade), garbage...)) })
}

// throw sends bytes on many connections, as far as the other side lets it, and
// waits a little for what it does with them.
func throw(t *testing.T, address string, times int, data []byte) {
	for range times {
		c, err := net.DialTimeout("tcp", address, 5*time.Second)
		if err != nil {
			t.Fatalf("nobody listens any more: %v", err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Second))
		if _, err := c.Write(data); err == nil { // else it has been cut off
			_ = c.(*net.TCPConn).CloseWrite()
			_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			_, _ = io.Copy(io.Discard, c)
		}
		c.Close()
	}
}

// hold opens many connections that say little and stay, and returns while they
// are open: what follows must work beside them.
func hold(t *testing.T, address string, times int, data []byte) {
	for range times {
		c, err := net.DialTimeout("tcp", address, 5*time.Second)
		if err != nil {
			t.Fatalf("connection refused: %v", err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := c.Write(data); err != nil {
			return // enough: it cuts us off
		}
	}
}

// plainHost is a libp2p host without any manners of ours.
func plainHost(t *testing.T, options ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append(options, libp2p.NoListenAddrs, libp2p.DisableRelay())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func addrInfo(t *testing.T, n *node, port int) peer.AddrInfo {
	t.Helper()
	id, err := peer.Decode(n.NodeID)
	if err != nil {
		t.Fatal(err)
	}
	return peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{multiaddr.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))}}
}

// handshakeProtocol is the one that carries no chain in its name.
const handshakeProtocol = protocol.ID("/quorate/handshake/1")

// TestStranger: a libp2p host whose key nobody knows gets no stream, however
// often it dials, and many of them at once do not disturb the members.
func TestStranger(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	allConnected(t, d, commitLimit)
	n := d.Validators[1]
	d.healthy(t, n, "stranger", func(t *testing.T) {
		h := plainHost(t)
		to := addrInfo(t, n, d.ports.p2p+1)
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if s, err := open(ctx, h, to, handshakeProtocol); err == nil {
				t.Errorf("a stranger has got a stream: %s", s.Protocol())
			} else if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a stranger is kept waiting: %v", err)
			}
			cancel()
		}
		eventually(t, discoverLimit, "the stranger is cut off", func(context.Context) error {
			if h.Network().Connectedness(to.ID) == network.Connected {
				return errors.New("still connected")
			}
			return nil
		})
	})
	d.healthy(t, n, "strangers by the hundred", func(t *testing.T) { strangers(t, addrInfo(t, n, d.ports.p2p+1)) })
	if s, err := n.status(t.Context()); err != nil || len(s.Validators) != 4 {
		t.Errorf("status: %+v, %v", s, err)
	}
}

// strangers dial from many keys at once, again and again.
func strangers(t *testing.T, to peer.AddrInfo) {
	const workers, keys, dials = 8, 8, 4
	let := make([]int, workers) // in
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for range keys {
				h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableRelay())
				if err != nil {
					t.Error(err)
					return
				}
				for range dials {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					if _, err := open(ctx, h, to, handshakeProtocol); err == nil {
						let[w]++
					}
					cancel()
				}
				h.Close()
			}
		})
	}
	all.Wait()
	for _, n := range let {
		if n > 0 {
			t.Errorf("strangers have got streams: %v", let)
			break
		}
	}
}

// open dials and opens a stream, and proves that the other side answers on it.
func open(ctx context.Context, h host.Host, to peer.AddrInfo, id protocol.ID) (network.Stream, error) {
	if err := h.Connect(ctx, to); err != nil {
		return nil, err
	}
	s, err := h.NewStream(ctx, to.ID, id)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = s.SetDeadline(deadline)
	if _, err := s.Write([]byte{0}); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil && !os.IsTimeout(err) {
		return nil, err
	}
	return s, nil
}
