package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// node is one node of a network, as the ready line describes it.
type node struct {
	Name    string         `json:"name"`
	Address common.Address `json:"address"`
	RPC     string         `json:"rpc"`
	WS      string         `json:"ws"`
	Admin   string         `json:"admin"`
	NodeID  string         `json:"nodeId"`
	PID     int            `json:"pid"`
	Dir     string         `json:"dir"`

	t   testing.TB
	raw *rpc.Client
	eth *ethclient.Client
	own *process // set when the test itself started it

	// dial is how to reach a node that is not on this machine's network; nil: TCP.
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	shows []rpc.ClientOption // what this node is shown and trusted by; nil: nothing
}

// connect makes the clients, whose answers are all checked. HTTP connects with the
// first call.
func (n *node) connect(t testing.TB) {
	t.Helper()
	next := http.DefaultTransport
	if n.dial != nil {
		next = &http.Transport{DialContext: n.dial}
	}
	options := []rpc.ClientOption{rpc.WithHTTPClient(&http.Client{Transport: validate(t, next)})}
	c, err := rpc.DialOptions(t.Context(), n.RPC, append(options, n.shows...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	n.t, n.raw, n.eth = t, c, ethclient.NewClient(c)
}

// status is the answer of pbft_status.
type status struct {
	Self       common.Address `json:"self"`
	View       uint64         `json:"view"`
	Epoch      uint64         `json:"epoch"`
	Primary    common.Address `json:"primary"`
	IsPrimary  bool           `json:"isPrimary"`
	Mode       string         `json:"mode"`
	Committed  uint64         `json:"committed"`
	Stable     uint64         `json:"stable"`
	Quorum     int            `json:"quorum"`
	Validators []struct {
		Address   common.Address `json:"address"`
		Connected bool           `json:"connected"`
		Mode      string         `json:"mode"`
		Committed uint64         `json:"committed"`
	} `json:"validators"`
	Line string `json:"line"`
	Halt string `json:"halt"`
}

func (n *node) status(ctx context.Context) (*status, error) {
	var s status
	if err := n.raw.CallContext(ctx, &s, "pbft_status"); err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	return &s, nil
}

// block is what eth_getBlockByNumber says of a block, with its hash as given.
type block struct {
	Number       string        `json:"number"`
	Hash         common.Hash   `json:"hash"`
	Transactions []common.Hash `json:"transactions"`
}

func (n *node) block(ctx context.Context, number uint64) (*block, error) {
	var b *block
	if err := n.raw.CallContext(ctx, &b, "eth_getBlockByNumber", fmt.Sprintf("%#x", number), false); err != nil {
		return nil, fmt.Errorf("%s: block %d: %w", n.Name, number, err)
	}
	if b == nil {
		return nil, fmt.Errorf("%s: block %d is not there", n.Name, number)
	}
	return b, nil
}

func (n *node) head(ctx context.Context) (uint64, error) {
	number, err := n.eth.BlockNumber(ctx)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", n.Name, err)
	}
	return number, nil
}

// receipt returns nil without an error while there is none.
func (n *node) receipt(ctx context.Context, tx common.Hash) (*types.Receipt, error) {
	r, err := n.eth.TransactionReceipt(ctx, tx)
	if errors.Is(err, ethereum.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: receipt of %s: %w", n.Name, tx, err)
	}
	return r, nil
}

// certificate returns nil without an error if a later block's proves this one.
func (n *node) certificate(ctx context.Context, number uint64) (*certificate, error) {
	var c *certificate
	if err := n.raw.CallContext(ctx, &c, "pbft_commitCertificate", fmt.Sprintf("%#x", number)); err != nil {
		return nil, fmt.Errorf("%s: certificate %d: %w", n.Name, number, err)
	}
	return c, nil
}

// call answers one raw request: result or error, as JSON.
func (n *node) call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	var out json.RawMessage
	err := n.raw.CallContext(ctx, &out, method, params...)
	return out, err
}

func (n *node) balance(ctx context.Context, a common.Address, at *big.Int) (*big.Int, error) {
	b, err := n.eth.BalanceAt(ctx, a, at)
	if err != nil {
		return nil, fmt.Errorf("%s: balance of %s: %w", n.Name, a, err)
	}
	return b, nil
}

// logTail returns the end of the node's log: the devnet's file, and what it said
// to this process if that started it.
func (n *node) logTail(lines int) string {
	data, err := os.ReadFile(n.Dir + "/log")
	if err != nil && (n.own == nil || !errors.Is(err, fs.ErrNotExist)) {
		return err.Error()
	}
	if n.own != nil {
		data = append(data, n.own.errs.String()...)
	}
	all := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
