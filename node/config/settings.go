package config

import (
	"slices"
	"strings"
)

// Setting is one row of the table.
type Setting struct {
	Key     string // dotted, as in rpc.addr
	Default string // as text
	Usage   string // one line, without a full stop
	List    bool   // takes several values
	set     func(c *Config, v []string) error
}

// Flag returns the name of the command-line flag.
func (s Setting) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.Key) }

// Env returns the name of the environment variable.
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(s.Key))
}

const envPrefix = "QUORATE_"

// one makes a setter for settings of a single value.
func one(set func(c *Config, v string) error) func(*Config, []string) error {
	return func(c *Config, v []string) error { return set(c, v[0]) }
}

// text makes a setter that takes any string.
func text(to func(c *Config) *string) func(*Config, []string) error {
	return one(func(c *Config, v string) error { *to(c) = v; return nil })
}

// Settings returns the table, in the order in which files are written.
func Settings() []Setting { return slices.Clone(settings) }

var settings = slices.Concat(general, accessSettings, limitSettings())

// general are all settings but those of who may call JSON-RPC, and its limits.
var general = []Setting{
	{"name", "", "name of this node in logs", false, one(func(c *Config, v string) (err error) {
		c.Name, err = parseName(v)
		return err
	})},
	{"data", "data", "directory of the database", false, one(func(c *Config, v string) (err error) {
		c.DataDir, err = parsePath(v)
		return err
	})},
	{"genesis", "genesis.json", "genesis file", false, one(func(c *Config, v string) (err error) {
		c.GenesisFile, err = parsePath(v)
		return err
	})},
	{"nodekey", "nodekey", "file of the node key", false, one(func(c *Config, v string) (err error) {
		c.NodeKeyFile, err = parsePath(v)
		return err
	})},
	{"join", "no", "yes: start with keys that are not, or not yet, those of a member, and follow the chain until they are", false, one(func(c *Config, v string) (err error) {
		c.Join, err = parseYes(v)
		return err
	})},
	{"keystore", "keystore", "directory of the validator key; empty for an observer", false, text(func(c *Config) *string { return &c.KeystoreDir })},
	{"password", "password", "file whose first line opens the validator key; or env:NAME, an environment variable; or credential:NAME, one that systemd gives to the service", false, text(func(c *Config) *string { return &c.PasswordFile })},
	{"signer.url", "", "remote signer that keeps the validator key (Web3Signer's eth1 API), https://HOST:PORT; empty: the key is in keystore", false, text(func(c *Config) *string { return &c.Signer.URL })},
	{"signer.module", "", "PKCS#11 library of a hardware security module that keeps the validator key; its PIN is what password names", false, text(func(c *Config) *string { return &c.HSM.Module })},
	{"signer.token", "", "label of the module's token; empty: it has only one", false, text(func(c *Config) *string { return &c.HSM.Token })},
	{"signer.address", "", "address of the key; empty: the signer or token has only one", false, one(func(c *Config, v string) (err error) {
		c.Signer.Address, err = parseValidator(v)
		return err
	})},
	{"signer.ca", "", "file of the CAs of the signer's certificate, PEM; empty: those of the system", false, text(func(c *Config) *string { return &c.Signer.CA })},
	{"signer.cert", "", "file of the certificate that this node shows to the signer, PEM", false, text(func(c *Config) *string { return &c.Signer.Cert })},
	{"signer.key", "", "file of its private key, PEM", false, text(func(c *Config) *string { return &c.Signer.Key })},
	{"checkpoint", "", "a block that is surely of this network's chain, NUMBER:BLOCK:SET as 'quorate network checkpoint' prints it: another history, by validators that have left, is refused", false, one(func(c *Config, v string) (err error) {
		c.Checkpoint, err = parseCheckpoint(v)
		return err
	})},
	{"memory", "1GiB", "memory for everything together", false, one(func(c *Config, v string) (err error) {
		c.Memory, err = ParseBytes(v)
		return err
	})},
	{"history", "100000", "blocks whose state can be read, 0 for all", false, one(func(c *Config, v string) (err error) {
		c.History, err = parseUint(v)
		return err
	})},
	{"proofs", ProofsHead, "eth_getProof at the head, or archive: at every block of history committed since", false, one(func(c *Config, v string) (err error) {
		c.Proofs, err = parseChoice(v, ProofsHead, ProofsArchive)
		return err
	})},
	{"sync", SyncAuto, "how a node without blocks catches up: blocks, snapshot, or auto: by blocks if they are few or history is 0 or proofs is archive", false, one(func(c *Config, v string) (err error) {
		c.Sync, err = parseChoice(v, SyncAuto, SyncBlocks, SyncSnapshot)
		return err
	})},
	{"index.addresses", "no", "yes: index transactions by address, and who made contracts; switched on later, the node builds it before it runs", false, one(func(c *Config, v string) (err error) {
		c.Index.Addresses, err = parseYes(v)
		return err
	})},
	{"index.tokens", "no", "yes: index transfers, balances and holders of tokens, and sums of each day", false, one(func(c *Config, v string) (err error) {
		c.Index.Tokens, err = parseYes(v)
		return err
	})},
	{"p2p.listen", "0.0.0.0:30303", "host:port or multiaddrs to listen on for peers", true, func(c *Config, v []string) (err error) {
		c.P2P.Listen, err = parseAddresses(v, 1)
		return err
	}},
	{"p2p.external", "", "host:port or multiaddrs under which peers reach this node", true, func(c *Config, v []string) (err error) {
		c.P2P.External, err = parseAddresses(v, 0)
		return err
	}},
	{"p2p.peers", "", "where members are, NODEID@HOST:PORT each, overriding genesis", true, func(c *Config, v []string) (err error) {
		c.P2P.Peers, err = parsePeers(v)
		return err
	}},
	{"rpc.addr", "127.0.0.1", "host on which JSON-RPC listens", false, one(func(c *Config, v string) (err error) {
		c.RPC.Addr, err = parseHost(v)
		return err
	})},
	{"rpc.port", "8545", "port of JSON-RPC, HTTP and WebSocket", false, one(func(c *Config, v string) (err error) {
		c.RPC.Port, err = parsePort(v)
		return err
	})},
	{"explorer.enabled", ExplorerAuto, "the web explorer at /explorer of the RPC port: yes, no, or auto: where only this machine reaches the port", false, one(func(c *Config, v string) (err error) {
		c.Explorer, err = parseChoice(v, ExplorerAuto, ExplorerYes, ExplorerNo)
		return err
	})},
	{"admin.addr", "127.0.0.1", "host on which health and metrics listen", false, one(func(c *Config, v string) (err error) {
		c.Admin.Addr, err = parseHost(v)
		return err
	})},
	{"admin.port", "9545", "port of health and metrics", false, one(func(c *Config, v string) (err error) {
		c.Admin.Port, err = parsePort(v)
		return err
	})},
	{"admin.allow_open", "no", "yes: health and metrics may listen where others reach them, without authentication", false, one(func(c *Config, v string) (err error) {
		c.AdminOpen, err = parseYes(v)
		return err
	})},
	{"log.level", "info", "debug, info, warn or error", false, one(func(c *Config, v string) (err error) {
		c.Log.Level, err = parseLevel(v)
		return err
	})},
	{"log.format", "auto", "auto (text on a terminal, JSON otherwise), text or json", false, one(func(c *Config, v string) (err error) {
		c.Log.Format, err = parseChoice(v, "auto", "text", "json")
		return err
	})},
}

// keys returns all dotted keys.
func keys() []string {
	out := make([]string, len(settings))
	for i, s := range settings {
		out[i] = s.Key
	}
	return out
}

// find returns the setting with a key.
func find(key string) (Setting, bool) {
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{}, false
	}
	return settings[i], true
}

// split turns the text form of a value into its values.
func (s Setting) split(v string) []string {
	if !s.List {
		return []string{v}
	}
	var out []string
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
