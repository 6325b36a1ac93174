package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/quorate/quorate/consensus/light"
	keyfiles "github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/access"
)

// FileName is the configuration file in a node's directory.
const FileName = "config.toml"

// Config is a node's configuration. Load returns it valid and with absolute
// paths.
type Config struct {
	Dir          string // the node's directory; relative paths start here
	Name         string // for people; logs carry it
	DataDir      string // database and journal
	GenesisFile  string
	NodeKeyFile  string
	Join         bool                  // start although the members that this node knows of do not include its keys
	KeystoreDir  string                // validator key; "" = an observer, without a vote
	Signer       keyfiles.RemoteConfig // where the validator key is, if not in KeystoreDir
	HSM          keyfiles.HSMConfig    // the same, for a module in this machine; its PIN and address are the settings above
	PasswordFile string                // opens the validator key; also env:NAME or credential:NAME (keys.ReadPassword)
	Memory       Bytes                 // for everything together, see MemoryPlan
	History      uint64                // blocks whose state can be read; 0 = all
	Proofs       string                // ProofsHead or ProofsArchive
	Checkpoint   *light.Checkpoint     // a block that the operator is sure of; nil: none
	Sync         string                // SyncAuto, SyncBlocks or SyncSnapshot
	Index        Index                 // which questions of explorers are answered

	P2P     P2P
	RPC     Endpoint
	RPCOpen bool // guarded namespaces may be open to everybody who reaches RPC
	Web     Web
	Access  access.Config // who may call JSON-RPC
	Limits  rpc.Limits    // of JSON-RPC

	Explorer string // ExplorerAuto, ExplorerYes or ExplorerNo: whether the RPC port serves the web explorer

	Admin     Endpoint
	AdminOpen bool // health and metrics may be open to everybody who reaches Admin
	Log       Log
}

// Where state proofs can be made.
const (
	ProofsHead    = "head"    // at the last block only
	ProofsArchive = "archive" // at every block of History: costs disk
)

// Whether the RPC port serves the web explorer.
const (
	ExplorerAuto = "auto" // where only this machine reaches it
	ExplorerYes  = "yes"
	ExplorerNo   = "no"
)

// Explores reports whether the RPC port serves the web explorer. Its files are the same
// for everybody, and what they show JSON-RPC gives or refuses; but who opens the port to
// others is to say that it has a web page, too.
func (c *Config) Explores() bool {
	return c.Explorer == ExplorerYes || c.Explorer == ExplorerAuto && Local(c.RPC.Addr)
}

// How a node that has no blocks gets to where the network is.
const (
	SyncAuto     = "auto"     // with a snapshot if thousands of blocks are ahead and no history is asked for
	SyncBlocks   = "blocks"   // by executing every block
	SyncSnapshot = "snapshot" // with a snapshot, whenever one is offered
)

// Index says what is indexed in the batch of each block, beside the logs.
type Index struct {
	Addresses bool // transactions by address, who made contracts
	Tokens    bool // transfers, balances and holders of tokens; days
}

// P2P is the node's place in the network.
type P2P struct {
	Listen   []string // multiaddrs to listen on
	External []string // multiaddrs under which others reach this node; empty = found out
	Peers    []Peer   // addresses that override those in genesis
}

// Peer says where a member can be reached.
type Peer struct {
	NodeID  string
	Address string // multiaddr
}

// Web is what JSON-RPC lets browsers do.
type Web struct {
	Hosts       []string // names under which it is called; IP addresses always are
	CORSOrigins []string // of pages that may call over HTTP
	WSOrigins   []string // of pages that may open a WebSocket
}

// Endpoint is where a server listens, over TCP.
type Endpoint struct {
	Addr string
	Port uint16
}

// String returns host:port.
func (e Endpoint) String() string { return net.JoinHostPort(e.Addr, strconv.Itoa(int(e.Port))) }

// Log says what is logged and how.
type Log struct {
	Level  slog.Level
	Format string // "auto" (text on a terminal, JSON otherwise), "text", "json"
}

// Observer reports whether the node runs without a validator key.
func (c *Config) Observer() bool { return c.KeystoreDir == "" }

// Archive reports whether the node is to keep what a snapshot does not bring: the
// state of every block, or the proofs of those before it.
func (c *Config) Archive() bool { return c.History == 0 || c.Proofs == ProofsArchive }

// contradictions checks what no single setting shows.
func (c *Config) contradictions() error {
	var errs []error
	if c.RPC.Port == c.Admin.Port && overlap(c.RPC.Addr, c.Admin.Addr) {
		errs = append(errs, fmt.Errorf("rpc.port and admin.port are both %d: give each its own", c.RPC.Port))
	}
	if elsewhere := c.Signer.URL + c.HSM.Module; c.Observer() && elsewhere != "" {
		errs = append(errs, fmt.Errorf("%s keeps the validator key (signer.url or signer.module), but keystore is empty (an observer): name a directory, which remembers the epochs that were voted in, or remove the signer", elsewhere))
	}
	if c.Signer.URL != "" && c.HSM.Module != "" {
		errs = append(errs, errors.New("signer.url and signer.module both say where the validator key is: remove one of them"))
	}
	if c.HSM.Token != "" && c.HSM.Module == "" {
		errs = append(errs, errors.New("signer.token names a token, but signer.module no library: name the vendor's PKCS#11 library"))
	}
	if !c.Observer() && c.Signer.URL == "" && c.PasswordFile == "" {
		errs = append(errs, errors.New("password is empty, but keystore is not: name the file that opens the validator key"))
	}
	if c.Sync == SyncSnapshot && c.Archive() {
		errs = append(errs, fmt.Errorf("sync is snapshot, which brings no state of the blocks before it, but history is %d and proofs is %s: set sync = blocks for an archive, or history above 0 and proofs = head", c.History, c.Proofs))
	}
	if c.Memory < MinMemory {
		errs = append(errs, fmt.Errorf("memory: %s is too little, %s is the least a node works in", c.Memory, MinMemory))
	}
	return errors.Join(append(errs, c.exposed(), c.Access.Validate(), c.Limits.Validate())...)
}

// exposed refuses what can hurt on an address that others reach, unless somebody
// said that it shall be so.
func (c *Config) exposed() error {
	var errs []error
	if open := c.Access.Exposed(); !Local(c.RPC.Addr) && !c.RPCOpen && len(open) > 0 {
		errs = append(errs, fmt.Errorf("rpc.addr is %s, and everybody who reaches it could call %s: set rpc.auth.anonymous to what everybody may do (eth:*,net:*,web3:*), ask for tokens (rpc.auth.jwt_keys) or client certificates (rpc.tls.client_ca), or allow it with --rpc-allow-open=yes",
			c.RPC.Addr, strings.Join(open, "_*, ")+"_*"))
	}
	if !Local(c.Admin.Addr) && !c.AdminOpen {
		errs = append(errs, fmt.Errorf("admin.addr is %s, and health and metrics have no authentication: keep it on 127.0.0.1, or allow it with --admin-allow-open=yes", c.Admin.Addr))
	}
	return errors.Join(errs...)
}

// Local reports whether only this machine reaches what listens on a host.
func Local(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// overlap reports whether two listening hosts can claim the same port.
func overlap(a, b string) bool {
	ipA, ipB := net.ParseIP(a), net.ParseIP(b)
	return a == b || a == "" || b == "" || ipA != nil && ipA.IsUnspecified() || ipB != nil && ipB.IsUnspecified()
}

// absolute makes the paths start at Dir.
func (c *Config) absolute() {
	paths := []*string{
		&c.Signer.CA, &c.Signer.Cert, &c.Signer.Key, &c.HSM.Module,
		&c.DataDir, &c.GenesisFile, &c.NodeKeyFile, &c.KeystoreDir,
		&c.Access.TLSCert, &c.Access.TLSKey, &c.Access.ClientCA,
	}
	if keyfiles.PasswordFile(c.PasswordFile) {
		paths = append(paths, &c.PasswordFile)
	}
	for i := range c.Access.TokenKeys {
		paths = append(paths, &c.Access.TokenKeys[i])
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(c.Dir, *p)
		}
	}
}
