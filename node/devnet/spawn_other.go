//go:build !linux

package devnet

import "syscall"

// childAttributes: a process group of its own, so that Ctrl-C in the terminal
// reaches only the supervisor.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func keepThread(f func()) { f() }
