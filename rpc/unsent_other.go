//go:build !linux

package rpc

import "net"

// boundUnsent does nothing: it is an option of Linux.
func boundUnsent(net.Conn) {}
