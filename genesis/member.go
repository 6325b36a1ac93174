package genesis

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	pcrypto "github.com/libp2p/go-libp2p/core/crypto"
	pcryptopb "github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/quorate/quorate/consensus"
)

// memberTag is the first word of a proof of possession's preimage.
var memberTag = crypto.Keccak256([]byte("quorate/member/1"))

// MemberPreimage returns the words that a founding member signs with its
// validator key: keccak256("quorate/member/1"), the address, keccak256(node
// id). It proves that whoever made the member file holds the key and wants
// this node to speak for it. It names no chain: members are made before the
// chain is.
func MemberPreimage(address common.Address, nodeID string) []byte {
	out := make([]byte, 0, 3*32)
	out = append(out, memberTag...)
	out = append(out, common.LeftPadBytes(address[:], 32)...)
	return append(out, crypto.Keccak256([]byte(nodeID))...)
}

// checkProof reports whether the validator's key signed its own entry.
func (v *Validator) checkProof() error {
	var sig consensus.Signature
	if len(v.Proof) != len(sig) {
		return fmt.Errorf("proof of possession has %d bytes, %d are expected", len(v.Proof), len(sig))
	}
	copy(sig[:], v.Proof)
	got, err := sig.Recover(MemberPreimage(v.Address, v.NodeID))
	if err != nil {
		return fmt.Errorf("proof of possession: %w", err)
	}
	if got != v.Address {
		return fmt.Errorf("proof of possession is not by %s over this node id: let the member make its file anew", v.Address)
	}
	return nil
}

// checkNodeID reports whether id is the libp2p peer id of a secp256k1 key, and
// returns that key's Ethereum address.
func checkNodeID(id string) (common.Address, error) {
	p, err := peer.Decode(id)
	if err != nil || p.String() != id {
		return common.Address{}, fmt.Errorf("%q is no libp2p peer id as in 16Uiu2HA…", shorten(id))
	}
	pub, err := p.ExtractPublicKey()
	if err != nil || pub.Type() != pcryptopb.KeyType_Secp256k1 {
		return common.Address{}, fmt.Errorf("%q is no peer id of a secp256k1 key: those begin with 16Uiu2HA", shorten(id))
	}
	raw, err := pub.(*pcrypto.Secp256k1PublicKey).Raw()
	if err != nil {
		return common.Address{}, err
	}
	key, err := crypto.DecompressPubkey(raw)
	if err != nil {
		return common.Address{}, err
	}
	return crypto.PubkeyToAddress(*key), nil
}

// CheckNodeID reports why a text is no node id that the network could have.
func CheckNodeID(id string) error {
	_, err := checkNodeID(id)
	return err
}

// NodeIDBytes returns a valid node id as the system contracts hold it.
func NodeIDBytes(id string) []byte {
	p, err := peer.Decode(id)
	if err != nil {
		panic(fmt.Sprintf("genesis: node id %q of an unchecked genesis: %v", id, err)) // Validate refuses it
	}
	return []byte(p)
}

// NodeIDString is the inverse of NodeIDBytes. It checks nothing.
func NodeIDString(id []byte) string { return peer.ID(id).String() }

// Multiaddr turns host:port or a multiaddr into a TCP multiaddr. Hosts may be
// IPv4, IPv6 in brackets, or DNS names.
func Multiaddr(s string) (string, error) {
	if strings.HasPrefix(s, "/") {
		m, err := multiaddr.NewMultiaddr(s)
		if err != nil {
			return "", fmt.Errorf("%q is no multiaddr: %w", shorten(s), err)
		}
		if _, err := peer.AddrInfoFromP2pAddr(m); err == nil {
			return "", fmt.Errorf("%q ends in a peer id: the node id stands in its own field", s)
		}
		return m.String(), nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return "", fmt.Errorf("%q is neither host:port nor a multiaddr as in /ip4/10.0.0.1/tcp/30303", shorten(s))
	}
	if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 {
		return "", fmt.Errorf("%q: the port is not between 1 and 65535", shorten(s))
	}
	kind := "dns"
	if ip := net.ParseIP(host); ip != nil {
		kind = "ip6"
		if ip.To4() != nil {
			kind = "ip4"
		}
	}
	m, err := multiaddr.NewMultiaddr("/" + kind + "/" + host + "/tcp/" + port)
	if err != nil {
		return "", fmt.Errorf("%q is no host:port: %w", shorten(s), err)
	}
	return m.String(), nil
}
