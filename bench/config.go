package bench

import (
	"crypto/ecdsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
)

// Kind is the sort of transaction.
type Kind string

// Transfer moves 1 wei between the accounts of the load, ERC20 one unit of a token.
const (
	Transfer Kind = "transfer"
	ERC20    Kind = "erc20"
)

// Config describes a run. Default fills everything but URLs.
type Config struct {
	// URLs of the nodes, http(s) or ws(s); HTTP and WebSocket are expected on the
	// same address. Accounts are spread over them.
	URLs []string
	// Header goes with every request, TLS says whom to trust at https and wss. Both
	// may be nil.
	Header http.Header
	TLS    *tls.Config
	Kind   Kind
	// Txs is the number of transactions, Accounts of senders.
	Txs, Accounts int
	// Rate is transactions per second, open loop; 0 saturates.
	Rate float64
	// Key pays for the set-up; nil means the first account of the standard test
	// mnemonic ("test test … junk").
	Key *ecdsa.PrivateKey
	// Seed names the set of sender accounts. Two runs at a time need two seeds.
	Seed string

	// Batch is the number of transactions in one JSON-RPC batch. 150 of 250 bytes
	// stay far below every server's body limit.
	Batch int
	// Outstanding bounds the transactions sent and not yet in a block, when
	// saturating: two full batches of 5,000 keep a primary busy, more only adds
	// latency.
	Outstanding int
	// Connections per URL; each is an ordered lane of its own.
	Connections int
	// RequestTimeout bounds one HTTP request, Stall the time without any
	// inclusion while transactions are outstanding.
	RequestTimeout, Stall time.Duration

	// Progress gets a progress bar if it is a terminal. nil = none.
	Progress io.Writer
	Logger   *slog.Logger
}

// Default returns the settings of a saturating run of 10,000 transfers.
func Default() Config {
	return Config{
		Kind: Transfer, Txs: 10_000, Accounts: 200, Seed: "quorate bench",
		Batch: 150, Outstanding: 10_000, Connections: 2,
		RequestTimeout: 20 * time.Second, Stall: 30 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// MaxTxs bounds a run: a signed transaction takes about 700 bytes here.
const MaxTxs = 5_000_000

// defaultKeyHex is the first account of the mnemonic "test test test test test
// test test test test test test junk", public knowledge.
const defaultKeyHex = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

// Validate reports every fault at once and fills in the key.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("bench: "+format, args...)) }
	if len(c.URLs) == 0 {
		bad("at least one RPC URL is required")
	}
	seen := make(map[string]bool)
	for _, raw := range c.URLs {
		u, err := url.Parse(raw)
		switch {
		case err != nil || u.Host == "":
			bad("%q is not a URL like http://127.0.0.1:8545", raw)
		case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ws" && u.Scheme != "wss":
			bad("%q: scheme must be http, https, ws or wss", raw)
		case seen[u.Host+u.Path]:
			bad("%q is given twice", raw)
		default:
			seen[u.Host+u.Path] = true
		}
	}
	if c.Kind != Transfer && c.Kind != ERC20 {
		bad("kind %q, must be %q or %q", c.Kind, Transfer, ERC20)
	}
	if c.Txs < 1 || c.Txs > MaxTxs {
		bad("%d transactions, must be 1 to %d", c.Txs, MaxTxs)
	}
	if c.Accounts < 1 || c.Accounts > MaxTxs {
		bad("%d accounts, must be 1 to %d", c.Accounts, MaxTxs)
	}
	if c.Rate < 0 {
		bad("rate %v, must not be negative", c.Rate)
	}
	if c.Batch < 1 || c.Outstanding < 1 || c.Connections < 1 {
		bad("batch %d, outstanding %d and connections %d must be at least 1", c.Batch, c.Outstanding, c.Connections)
	}
	if c.RequestTimeout <= 0 || c.Stall <= 0 {
		bad("request timeout %v and stall %v must be positive", c.RequestTimeout, c.Stall)
	}
	if c.Logger == nil {
		bad("a logger is required")
	}
	if c.Key == nil {
		key, err := crypto.HexToECDSA(defaultKeyHex)
		if err != nil {
			errs = append(errs, err)
		}
		c.Key = key
	}
	c.Accounts = min(c.Accounts, c.Txs)
	return errors.Join(errs...)
}
