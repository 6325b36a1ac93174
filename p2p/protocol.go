package p2p

import (
	"encoding/hex"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Topic is one of the three gossip topics.
type Topic string

const (
	// TopicConsensus reaches all validators in one hop; observers never see it.
	TopicConsensus Topic = "consensus"
	// TopicTransactions and TopicBlocks reach all members over a mesh.
	TopicTransactions Topic = "transactions"
	TopicBlocks       Topic = "blocks"
)

// Protocol names a push or request protocol, such as "batch". It must be made
// of lower-case letters, digits and '_'.
type Protocol string

// handshakeID is the one protocol without the chain in its name: two nodes of
// different networks must be able to tell each other so.
const handshakeID protocol.ID = "/quorate/handshake/1"

// recordsProtocol carries node records among members.
const recordsProtocol Protocol = "peers"

// namespace builds the wire names: /quorate/<chain id>-<first 4 genesis bytes>/<name>/1.
// Nodes of different networks therefore have no protocol or topic in common.
type namespace string

func newNamespace(chainID uint64, genesis common.Hash) namespace {
	return namespace(fmt.Sprintf("/quorate/%d-%s/", chainID, hex.EncodeToString(genesis[:4])))
}

func (n namespace) topic(t Topic) string { return string(n) + string(t) + "/1" }

func (n namespace) stream(p Protocol) protocol.ID { return protocol.ID(string(n) + string(p) + "/1") }

func (n namespace) gossip(instance string) protocol.ID {
	return protocol.ID(string(n) + instance + "/meshsub/1.3.0")
}

func (p Protocol) check() {
	ok := p != "" && len(p) <= 64
	for _, c := range []byte(p) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_')
	}
	if !ok {
		panic(fmt.Sprintf("p2p: %q is no protocol name (lower-case letters, digits, '_')", string(p)))
	}
}
