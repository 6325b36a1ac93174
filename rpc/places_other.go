//go:build !linux

package rpc

// lower does nothing: this system has no priority of a thread that Go can set.
func lower() {}
