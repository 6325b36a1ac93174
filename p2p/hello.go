package p2p

import (
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
)

// protocolVersion is the version of the whole peer protocol, shown in the first
// field of a hello. It changes when two builds can no longer work together.
const protocolVersion = 1

// hello is what both sides of a new connection tell each other. Version must
// stay the first field for ever: a mismatch is named before the rest is read.
type hello struct {
	Version  uint64
	ChainID  uint64
	Genesis  common.Hash
	Client   string
	Role     uint64
	Instance uint64   // random per process: tells a restarted peer from a second connection
	Topics   []string // what the node has handlers for; the watchdog expects these
	Record   []byte   // its own node record
}

func (h *hello) encode() []byte {
	b, err := rlp.EncodeToBytes(h)
	if err != nil {
		panic(fmt.Sprintf("p2p: encoding a hello: %v", err))
	}
	return b
}

// versionError, chainError and genesisError name both values, because the
// operator who reads the line has to find out which of the two is wrong.
type versionError struct{ theirs, ours uint64 }

func (e *versionError) Error() string {
	return fmt.Sprintf("peer speaks protocol version %d, this node %d", e.theirs, e.ours)
}

type chainError struct{ theirs, ours uint64 }

func (e *chainError) Error() string {
	return fmt.Sprintf("peer is on chain id %d, this node on %d", e.theirs, e.ours)
}

type genesisError struct{ theirs, ours common.Hash }

func (e *genesisError) Error() string {
	return fmt.Sprintf("peer has genesis %s, this node %s", e.theirs, e.ours)
}

// decodeHello reads a hello and compares it with ours. The record inside is not
// looked at here.
func decodeHello(data []byte, chainID uint64, genesis common.Hash) (*hello, error) {
	if len(data) > maxHelloBytes {
		return nil, fmt.Errorf("hello of %d bytes, at most %d", len(data), maxHelloBytes)
	}
	content, _, err := rlp.SplitList(data)
	if err != nil {
		return nil, fmt.Errorf("hello: %w", err)
	}
	version, _, err := rlp.SplitUint64(content)
	if err != nil {
		return nil, fmt.Errorf("hello: version: %w", err)
	}
	if version != protocolVersion {
		return nil, &versionError{version, protocolVersion}
	}
	h := new(hello)
	if err := rlp.DecodeBytes(data, h); err != nil {
		return nil, fmt.Errorf("hello: %w", err)
	}
	if h.ChainID != chainID {
		return nil, &chainError{h.ChainID, chainID}
	}
	if h.Genesis != genesis {
		return nil, &genesisError{h.Genesis, genesis}
	}
	if len(h.Client) > maxClientBytes || !printable(h.Client) {
		return nil, fmt.Errorf("hello: client version must be at most %d printable bytes", maxClientBytes)
	}
	if len(h.Topics) > maxTopics || slices.ContainsFunc(h.Topics, func(t string) bool { return len(t) > maxTopicBytes }) {
		return nil, fmt.Errorf("hello: at most %d topics of %d bytes", maxTopics, maxTopicBytes)
	}
	return h, nil
}

// printable keeps a peer's text from playing with the operator's terminal.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
