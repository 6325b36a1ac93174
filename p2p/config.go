package p2p

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ethereum/go-ethereum/common"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
)

// Role says what a member of the network may do.
type Role uint8

const (
	// RoleValidator takes part in consensus and sees its topic.
	RoleValidator Role = iota + 1
	// RoleObserver follows: transactions, blocks, requests; no consensus topic.
	RoleObserver
)

func (r Role) String() string {
	switch r {
	case RoleValidator:
		return "validator"
	case RoleObserver:
		return "observer"
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// Member is one entry of the allow-list. Only members can connect.
type Member struct {
	ID        peer.ID        // libp2p identity, from the node key; see PeerID
	Role      Role           //
	Validator common.Address // zero for observers
	Name      string         // for logs and people; may be empty
	Addresses []string       // multiaddrs, hints; may be empty
}

// Config is what New needs. Key, ChainID, Genesis and Role are mandatory.
type Config struct {
	// Key is the node key (secp256k1), the libp2p identity. Not the validator key.
	Key *ecdsa.PrivateKey
	// Listen holds the multiaddrs to listen on; port 0 takes a free port. Empty
	// means that this node only dials.
	Listen []string
	// External holds the multiaddrs to tell others; empty means those of Listen.
	External []string
	// ChainID and Genesis name the network. A peer of another one is refused.
	ChainID uint64
	Genesis common.Hash
	// Version is shown to peers, at most 64 bytes.
	Version string
	// Role of this node when the member list does not name it.
	Role Role
	// Validator is the address of the key behind SignRecord. Zero means the one
	// that the member list gives for this node.
	Validator common.Address
	// SignRecord signs keccak256(preimage) with the validator key and returns
	// 65 bytes r‖s‖v with v 0 or 1. Nil for observers.
	SignRecord func(preimage []byte) ([]byte, error)
	// BookPath is the file of the address book; empty keeps it in memory.
	BookPath string
	// Transport replaces TCP with TLS 1.3 or Noise over yamux (tests: QUIC on a
	// simulated network).
	Transport []libp2p.Option
	// Registerer takes the metrics; nil keeps them unregistered.
	Registerer prometheus.Registerer
	// Logger must not be nil.
	Logger *slog.Logger
	// Limits; zero fields mean the defaults.
	Limits Limits
}

// validate reports all faults at once.
func (c *Config) validate() error {
	var errs []error
	if c.Key == nil {
		errs = append(errs, errors.New("Key is missing: the node key (secp256k1)"))
	}
	if c.Genesis == (common.Hash{}) {
		errs = append(errs, errors.New("Genesis is the zero hash"))
	}
	if c.ChainID == 0 {
		errs = append(errs, errors.New("ChainID is 0"))
	}
	if c.Role != RoleValidator && c.Role != RoleObserver {
		errs = append(errs, fmt.Errorf("Role is %v, must be validator or observer", c.Role))
	}
	if c.SignRecord != nil && c.Validator == (common.Address{}) {
		errs = append(errs, errors.New("SignRecord is set, but neither Validator nor the member list names the address of its key"))
	}
	if len(c.Version) > maxClientBytes {
		errs = append(errs, fmt.Errorf("Version has %d bytes, at most %d", len(c.Version), maxClientBytes))
	}
	if c.Logger == nil {
		errs = append(errs, errors.New("Logger is nil"))
	}
	for _, list := range []struct {
		name  string
		addrs []string
	}{{"Listen", c.Listen}, {"External", c.External}} {
		if len(list.addrs) > maxRecordAddrs {
			errs = append(errs, fmt.Errorf("%s has %d addresses, at most %d", list.name, len(list.addrs), maxRecordAddrs))
		}
		for _, a := range list.addrs {
			if _, err := parseAddr(a); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", list.name, err))
			}
		}
	}
	if err := c.Limits.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("Limits: %w", err))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("p2p: bad configuration: %w", errors.Join(errs...))
}

// parseAddr reads one multiaddr that can be dialled or listened on: an IP or a
// DNS name with a TCP or UDP port. A trailing /p2p/<id>, as many tools print it,
// is cut off.
func parseAddr(s string) (multiaddr.Multiaddr, error) {
	if len(s) > maxAddrBytes {
		return nil, fmt.Errorf("address of %d bytes, at most %d", len(s), maxAddrBytes)
	}
	a, err := multiaddr.NewMultiaddr(s)
	if err != nil {
		return nil, fmt.Errorf("address %q is no multiaddr such as /ip4/10.0.0.1/tcp/30303: %w", s, err)
	}
	if n := len(a); n > 0 && a[n-1].Code() == multiaddr.P_P2P {
		a = a[:n-1]
	}
	if len(a) < 2 {
		return nil, fmt.Errorf("address %q lacks a port, want for example /ip4/10.0.0.1/tcp/30303", s)
	}
	switch a[0].Code() {
	case multiaddr.P_IP4, multiaddr.P_IP6, multiaddr.P_DNS, multiaddr.P_DNS4, multiaddr.P_DNS6:
	default:
		return nil, fmt.Errorf("address %q must begin with ip4, ip6, dns, dns4 or dns6", s)
	}
	switch a[1].Code() {
	case multiaddr.P_TCP, multiaddr.P_UDP:
	default:
		return nil, fmt.Errorf("address %q must name a tcp or udp port", s)
	}
	for _, c := range a[2:] {
		if c.Code() != multiaddr.P_QUIC_V1 {
			return nil, fmt.Errorf("address %q has %s, which is not served here", s, c.Protocol().Name)
		}
	}
	return a, nil
}
