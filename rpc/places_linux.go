package rpc

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lowPriority gives a thread a tenth of what others get when all processors are
	// busy: enough that it never keeps a lock, or the garbage collector, waiting for
	// long, which SCHED_IDLE would.
	lowPriority = 10
	// slice is how long it may go on when somebody else wants the processor; the
	// kernel's own is 3 ms (sched(7), sched_runtime; ignored before Linux 6.12).
	slice = 100 * time.Microsecond
)

// lower lowers the priority of this thread for ever. It can always be lowered; a
// kernel or sandbox that refuses leaves it as it is, and so does an older kernel that
// knows no slice, but for the priority.
func lower() {
	now, err := unix.SchedGetAttr(0, 0)
	if err != nil || now.Policy != unix.SCHED_NORMAL {
		return // somebody has chosen another policy for this process
	}
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: now.Policy, Nice: max(now.Nice, lowPriority), Runtime: uint64(slice)}
	if unix.SchedSetAttr(0, &attr, 0) != nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), int(attr.Nice))
	}
}
