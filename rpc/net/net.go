package net

import (
	"runtime"
	"strconv"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// API has one method per net_ method; register it as "net".
type API struct {
	chainID uint64
	peers   func() int
}

// New returns the methods. Peers tells the number of connected peers at the
// moment and is called concurrently.
func New(chainID uint64, peers func() int) *API { return &API{chainID, peers} }

// Version returns the network id in decimal.
func (a *API) Version() string { return strconv.FormatUint(a.chainID, 10) }

// Listening reports whether the node takes connections: always.
func (a *API) Listening() bool { return true }

// PeerCount returns the number of connected peers.
func (a *API) PeerCount() hexutil.Uint { return hexutil.Uint(a.peers()) }

// Web3 has one method per web3_ method; register it as "web3".
type Web3 struct{ version string }

// NewWeb3 returns the methods. Version is that of the node's software.
func NewWeb3(version string) *Web3 { return &Web3{version} }

// ClientVersion returns name, version, platform and compiler.
func (w *Web3) ClientVersion() string {
	return "Quorate/" + w.version + "/" + runtime.GOOS + "-" + runtime.GOARCH + "/" + runtime.Version()
}

// Sha3 returns keccak256 of bytes.
func (w *Web3) Sha3(data hexutil.Bytes) hexutil.Bytes { return crypto.Keccak256(data) }
