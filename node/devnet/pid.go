package devnet

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/quorate/quorate/node/config"
)

func pidFile(dir string) string { return filepath.Join(dir, "pid") }

func (n *Node) logFile() string { return filepath.Join(n.Dir, "log") }

// WritePID writes the process id of the node that runs in dir.
func WritePID(dir string, pid int) error {
	return os.WriteFile(pidFile(dir), []byte(strconv.Itoa(pid)+"\n"), 0o644)
}

// RemovePID removes the file, if it still names this process.
func RemovePID(dir string) { removePID(dir, os.Getpid()) }

func removePID(dir string, pid int) {
	if got, ok := readPID(dir); ok && got == pid {
		_ = os.Remove(pidFile(dir)) // a stale one is recognised anyway
	}
}

func readPID(dir string) (int, bool) {
	data, err := os.ReadFile(pidFile(dir))
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	return pid, err == nil && pid > 0
}

// runningPID returns the process of the node, if it lives. After a crash the
// number may belong to a stranger by now, so it must also hold the lock of the
// database; that is for the node itself to find out. Here a process counts
// only if it is a quorate of this folder.
func (n *Node) runningPID() (int, bool) {
	pid, ok := readPID(n.Dir)
	if !ok {
		return 0, false
	}
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return 0, false
	}
	return pid, commandMentions(pid, n.Dir)
}

// commandMentions reports whether the command line of a process holds a word.
// Where that cannot be known, it does not: the port check follows anyway.
func commandMentions(pid int, word string) bool {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false
	}
	for arg := range strings.SplitSeq(string(data), "\x00") {
		if arg == word {
			return true
		}
	}
	return false
}

// perNode reports whether an environment variable is a setting that must
// differ from node to node.
func perNode(name string) bool {
	for _, s := range config.Settings() {
		shared := s.Key == "memory" || s.Key == "history" || s.Key == "proofs" || strings.HasPrefix(s.Key, "log.") || strings.HasPrefix(s.Key, "index.") || strings.HasPrefix(s.Key, "rpc.limits.")
		if s.Env() == name {
			return !shared
		}
	}
	return false
}
