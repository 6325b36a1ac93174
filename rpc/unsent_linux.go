package rpc

import (
	"net"

	"golang.org/x/sys/unix"
)

// boundUnsent has the kernel take no more than unsentBytes of what cannot be sent yet.
// On a connection of this machine it would take four megabytes at once (TestUnsent), of each client that
// does not read: memory, and the work of making it, that nobody has asked for.
func boundUnsent(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // a kernel that refuses takes as much as it likes
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	})
}
