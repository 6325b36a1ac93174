package devnet

import (
	"runtime"
	"syscall"
)

// childAttributes: a process group of its own, so that Ctrl-C in the terminal
// reaches only the supervisor; and a signal when the supervisor dies, however
// it dies. The kernel sends that one when the *thread* that started the child
// ends, hence keepThread.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// keepThread runs f on a thread of its own that lives until f returns.
func keepThread(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f()
}
