package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/genesis"

	"github.com/ethereum/go-ethereum/common"
)

// Bytes is an amount of memory.
type Bytes uint64

var units = []struct {
	name string
	size uint64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

// String returns the amount in the largest unit that divides it.
func (b Bytes) String() string {
	for _, u := range units[:3] {
		if b > 0 && uint64(b)%u.size == 0 {
			return strconv.FormatUint(uint64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatUint(uint64(b), 10) + "B"
}

// ParseBytes reads a whole number with a unit, as in 256MiB.
func ParseBytes(s string) (Bytes, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 64)
		if err != nil || n > (1<<62)/u.size {
			break
		}
		return Bytes(n * u.size), nil
	}
	return 0, fmt.Errorf("%q is no amount of memory: a whole number and a unit as in 256MiB or 1GiB are expected", s)
}

// maxNameLength keeps a log line a line, in bytes.
const maxNameLength = genesis.MaxNameLength

func parseName(s string) (string, error) {
	if len(s) > maxNameLength || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%q is no name: at most %d bytes that print are expected", s, maxNameLength)
	}
	return s, nil
}

func parsePath(s string) (string, error) {
	if s == "" {
		return "", errors.New("is empty, a path is expected")
	}
	return s, nil
}

func parseUint(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", s)
	}
	return n, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no port between 1 and 65535", s)
	}
	return uint16(n), nil
}

// parseHost accepts an IP address, or a name to be resolved when listening.
func parseHost(s string) (string, error) {
	if net.ParseIP(s) != nil {
		return s, nil
	}
	if s == "" || strings.ContainsAny(s, ":/[] ") {
		return "", fmt.Errorf("%q is no host: an IP address or a name without port is expected", s)
	}
	return s, nil
}

func parseAddresses(v []string, least int) ([]string, error) {
	var out []string
	var errs []error
	for _, s := range v {
		m, err := genesis.Multiaddr(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, m)
	}
	if len(v) < least {
		errs = append(errs, errors.New("is empty, at least one address is expected"))
	}
	return out, errors.Join(errs...)
}

func parsePeers(v []string) ([]Peer, error) {
	var out []Peer
	var errs []error
	for _, s := range v {
		id, address, ok := strings.Cut(s, "@")
		if _, err := peer.Decode(id); !ok || err != nil {
			errs = append(errs, fmt.Errorf("%q is no peer: NODEID@HOST:PORT is expected, as in 16Uiu2HA…@10.0.0.2:30303", s))
			continue
		}
		m, err := genesis.Multiaddr(address)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, Peer{NodeID: id, Address: m})
	}
	return out, errors.Join(errs...)
}

func parseLevel(s string) (slog.Level, error) {
	if _, err := parseChoice(s, "debug", "info", "warn", "error"); err != nil {
		return 0, err
	}
	var l slog.Level
	return l, l.UnmarshalText([]byte(s))
}

func parseChoice(s string, choices ...string) (string, error) {
	for _, c := range choices {
		if s == c {
			return s, nil
		}
	}
	return "", fmt.Errorf("%q is not one of %s", s, strings.Join(choices, ", "))
}

// parseCheckpoint reads a trusted checkpoint; empty is none.
func parseCheckpoint(s string) (*light.Checkpoint, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // none is no mistake
	}
	return light.ParseCheckpoint(s)
}

// parseValidator reads an address; empty is zero.
func parseValidator(s string) (common.Address, error) {
	if s == "" {
		return common.Address{}, nil
	}
	if !common.IsHexAddress(s) {
		return common.Address{}, fmt.Errorf("%q is no address: 0x and 40 hexadecimal digits", s)
	}
	return common.HexToAddress(s), nil
}
