package devnet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
)

// Limits of a generated network.
const (
	MaxNodes = 128 // processes on one machine; also keeps the three port ranges apart by default
)

// Ports are the first of each range: node i listens on each plus i.
type Ports struct{ RPC, P2P, Admin int }

// DefaultPorts are those of Ethereum's tools.
var DefaultPorts = Ports{RPC: 8545, P2P: 30303, Admin: 9545}

// Spec says what network to generate.
type Spec struct {
	Validators int
	Observers  int
	ChainID    uint64
	Timestamp  uint64 // of block 0, seconds since 1970
	Host       string // on which every node listens
	Ports      Ports
	Alloc      types.GenesisAlloc // besides the system contracts
	Params     consensus.Params
	Recovery   genesis.Recovery
	Strength   keys.Strength
	Memory     config.Bytes // of each node; 0 = the default
	Index      bool         // every node indexes addresses and tokens
}

// Devnet completes a spec for a network on this machine: chain id 1337, the
// funded accounts, a stable primary, key files that open fast, little memory.
// Until a view change exists, a rotating primary would stop the chain with the
// first process that is stopped.
func (s Spec) Devnet() (Spec, error) {
	accounts, err := Accounts()
	if err != nil {
		return s, err
	}
	s.ChainID = 1337
	s.Alloc = types.GenesisAlloc{}
	Fund(s.Alloc, accounts)
	s.Params = consensus.DefaultParams()
	s.Strength = keys.Light
	s.Memory = 256 << 20
	s.Index = true // people look at it
	return s, nil
}

// Validate reports what cannot be generated.
func (s Spec) Validate() error {
	var errs []error
	if s.Validators < 1 || s.Validators > MaxNodes {
		errs = append(errs, fmt.Errorf("%d validators: between 1 and %d can be generated", s.Validators, MaxNodes))
	}
	if s.Observers < 0 || s.Observers > MaxNodes {
		errs = append(errs, fmt.Errorf("%d observers: between 0 and %d can be generated", s.Observers, MaxNodes))
	}
	return errors.Join(append(errs, s.Ports.validate(s.Validators+s.Observers))...)
}

// validate checks that the ranges of n ports each exist and do not meet.
func (p Ports) validate(n int) error {
	var errs []error
	ranges := []struct {
		flag  string
		first int
	}{{"--rpc-port", p.RPC}, {"--p2p-port", p.P2P}, {"--admin-port", p.Admin}}
	for i, a := range ranges {
		if a.first < 1 || a.first+n-1 > 65535 {
			errs = append(errs, fmt.Errorf("%s %d: %d nodes need ports %d … %d, ports end at 65535", a.flag, a.first, n, a.first, a.first+n-1))
		}
		for _, b := range ranges[:i] {
			if a.first < b.first+n && b.first < a.first+n {
				errs = append(errs, fmt.Errorf("%s %d and %s %d: %d nodes would share ports, keep them %d apart", b.flag, b.first, a.flag, a.first, n, n))
			}
		}
	}
	return errors.Join(errs...)
}

// Generate makes the directory, which must be absent or empty, and returns
// the network.
func Generate(ctx context.Context, dir string, s Spec) (*Network, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: name a directory that does not exist yet", dir)
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".new-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp) // a no-op once renamed
	if err := os.Chmod(tmp, 0o755); err != nil {
		return nil, err
	}
	if err := s.write(ctx, tmp); err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return nil, err
	}
	return Open(dir)
}

// write fills an empty directory.
func (s Spec) write(ctx context.Context, dir string) error {
	g := genesis.Default()
	g.ChainID, g.Timestamp, g.Params, g.Recovery = s.ChainID, s.Timestamp, s.Params, s.Recovery
	for a, account := range s.Alloc {
		g.Alloc[a] = account
	}
	var names []string
	for i := range s.Validators {
		name := fmt.Sprintf("validator-%d", i)
		v, err := NewValidator(ctx, filepath.Join(dir, name), name, s.address(i), s.Strength)
		if err != nil {
			return err
		}
		g.Validators = append(g.Validators, v)
		names = append(names, name)
	}
	for i := range s.Observers {
		name := fmt.Sprintf("observer-%d", i)
		id, err := newNode(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		g.Permissions.Observers = append(g.Permissions.Observers,
			genesis.Observer{NodeID: id, Name: name, Addresses: []string{s.address(s.Validators + i)}})
		names = append(names, name)
	}
	if err := g.Complete(); err != nil {
		return fmt.Errorf("the genesis would not be valid:\n%w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "genesis.json"), g.Encode(), 0o644); err != nil {
		return err
	}
	for i, name := range names {
		if err := s.complete(filepath.Join(dir, name), name, i, g); err != nil {
			return err
		}
	}
	return nil
}

// address is where others reach node i.
func (s Spec) address(i int) string {
	return net.JoinHostPort(reachable(s.Host), strconv.Itoa(s.Ports.P2P+i))
}

// reachable replaces "listen everywhere" by an address one can dial here.
func reachable(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// complete adds genesis, configuration and data directory to a node's folder.
func (s Spec) complete(dir, name string, i int, g *genesis.Genesis) error {
	if err := os.WriteFile(filepath.Join(dir, "genesis.json"), g.Encode(), 0o644); err != nil {
		return err
	}
	values := endpoints(s.Host, s.Ports, i)
	values["name"] = []string{name}
	if i >= s.Validators {
		values["keystore"] = []string{""}
	}
	if s.Index {
		values["index.addresses"], values["index.tokens"] = []string{"yes"}, []string{"yes"}
	}
	if s.Memory > 0 {
		values["memory"] = []string{s.Memory.String()}
	}
	if err := os.WriteFile(filepath.Join(dir, config.FileName), config.Encode(values), 0o644); err != nil {
		return err
	}
	return os.Mkdir(filepath.Join(dir, "data"), 0o755)
}

// endpoints are the settings of where node i listens.
func endpoints(host string, p Ports, i int) map[string][]string {
	port := func(first int) []string { return []string{strconv.Itoa(first + i)} }
	out := map[string][]string{
		"p2p.listen": {net.JoinHostPort(host, strconv.Itoa(p.P2P+i))},
		"rpc.addr":   {host}, "rpc.port": port(p.RPC),
		"admin.addr": {host}, "admin.port": port(p.Admin),
	}
	if host != "" && !config.Local(host) { // whoever names the host of a devnet wants it to be reached
		out["rpc.allow_open"], out["admin.allow_open"] = []string{"yes"}, []string{"yes"}
	}
	return out
}

// newNode makes a node's folder with its node key, and returns the node id.
func newNode(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	key, err := keys.NewNodeKey(filepath.Join(dir, "nodekey"))
	if err != nil {
		return "", err
	}
	return keys.NodeID(key)
}

// NewValidator makes both keys of a founding member in dir, with a password
// file, and returns its public part with the proof of possession.
func NewValidator(ctx context.Context, dir, name, address string, strength keys.Strength) (genesis.Validator, error) {
	id, err := newNode(dir)
	if err != nil {
		return genesis.Validator{}, err
	}
	password := rand.Text()
	if err := keys.WritePassword(filepath.Join(dir, "password"), password); err != nil {
		return genesis.Validator{}, err
	}
	entry, err := keys.New(filepath.Join(dir, "keystore"), password, strength)
	if err != nil {
		return genesis.Validator{}, err
	}
	signer, err := entry.Unlock(password)
	if err != nil {
		return genesis.Validator{}, err
	}
	return member(ctx, signer, id, name, address)
}
