package rpc

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc/access"
)

// Config says where to listen and for whom.
type Config struct {
	Address     string       // address to listen on
	Port        int          // 0 takes a free one
	Hosts       []string     // Host names that are served; IP addresses always are; "*" is any
	CORSOrigins []string     // origins of web pages that may call over HTTP; none: no CORS headers at all
	WSOrigins   []string     // origins of web pages that may open a WebSocket; clients without an Origin always may
	Signer      types.Signer // recovers senders of batches ahead; nil: each call does it
	Access      access.Config
	Limits      Limits
}

// DefaultConfig serves this machine only, and everybody on it.
func DefaultConfig() Config {
	return Config{
		Address: "127.0.0.1", Port: 8545, Hosts: []string{"localhost"},
		Access: access.Config{Anonymous: []string{access.Auto}}, Limits: DefaultLimits(),
	}
}

// Validate reports everything that cannot work, all at once.
func (c Config) Validate() error {
	var errs []error
	if c.Port < 0 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("--rpc-port is %d, must be between 0 and 65535", c.Port))
	}
	return errors.Join(append(errs, c.Access.Validate(), c.Limits.Validate())...)
}
