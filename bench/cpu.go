package bench

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// userHZ is the unit of /proc/<pid>/stat: fixed for user space on Linux.
const userHZ = 100

// listenerOf finds the process on this machine that listens on the URL's port, 0
// if the host is not loopback or the process is not visible (other owner, other
// machine, no /proc).
func listenerOf(u *url.URL) int {
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return 0
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return 0
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if inode := listeningInode(table, uint16(port)); inode != "" {
			if pid := ownerOf("socket:[" + inode + "]"); pid != 0 {
				return pid
			}
		}
	}
	return 0
}

// listeningInode reads the table of sockets (proc(5)): address in field 1, state in
// field 3 (0A = listening), inode in field 9.
func listeningInode(table string, port uint16) string {
	file, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer file.Close()
	suffix := ":" + strings.ToUpper(hex.EncodeToString([]byte{byte(port >> 8), byte(port)}))
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], suffix) {
			return f[9]
		}
	}
	return ""
}

func ownerOf(socket string) int {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == socket {
			pid, err := strconv.Atoi(strings.Split(link, "/")[2])
			if err != nil {
				return 0
			}
			return pid
		}
	}
	return 0
}

// processTime is the user and system time that a process has used.
func processTime(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in brackets that may hold anything: count from
	// the last bracket. utime and stime are fields 14 and 15.
	_, rest, ok := strings.Cut(string(data[strings.LastIndexByte(string(data), ')')+1:]), " ")
	f := strings.Fields(rest)
	if !ok || len(f) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, data)
	}
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(user+system) * time.Second / userHZ, nil
}

// nodesTime sums the processes behind the URLs; ok is false unless all are visible.
func nodesTime(urls []*endpoint) (total time.Duration, ok bool) {
	seen := make(map[int]bool)
	for _, e := range urls {
		if e.pid == 0 {
			return 0, false
		}
		if seen[e.pid] {
			continue
		}
		seen[e.pid] = true
		t, err := processTime(e.pid)
		if err != nil {
			return 0, false
		}
		total += t
	}
	return total, true
}
