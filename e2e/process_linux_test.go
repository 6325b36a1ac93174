package e2e

import "syscall"

// childAttributes: a group of its own, so that a terminal's Ctrl-C reaches the
// test alone, and death when the test dies.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
