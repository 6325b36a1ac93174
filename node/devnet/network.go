package devnet

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/multiformats/go-multiaddr"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
)

// Network is a directory of nodes.
type Network struct {
	Dir     string
	Genesis *genesis.Genesis
	Nodes   []Node // validators, then observers, in the order of genesis
}

// Node is one node's folder.
type Node struct {
	Name      string
	Dir       string
	NodeID    string
	Validator common.Address // zero for an observer
	Config    *config.Config
}

// RPC returns the URL of the node's JSON-RPC.
func (n *Node) RPC() string { return "http" + n.secure() + "://" + dialable(n.Config.RPC) }

// Explorer returns the URL of the web explorer, or "" where it is off.
func (n *Node) Explorer() string {
	if !n.Config.Explores() {
		return ""
	}
	return n.RPC() + "/explorer/"
}

// WebSocket returns the same over WebSocket.
func (n *Node) WebSocket() string { return "ws" + n.secure() + "://" + dialable(n.Config.RPC) }

// secure is what TLS adds to the name of a protocol.
func (n *Node) secure() string {
	if n.Config.Access.TLSCert == "" {
		return ""
	}
	return "s"
}

// Admin returns the URL of health and metrics.
func (n *Node) Admin() string { return "http://" + dialable(n.Config.Admin) }

func dialable(e config.Endpoint) string {
	return net.JoinHostPort(reachable(e.Addr), strconv.Itoa(int(e.Port)))
}

// Exists reports whether dir holds a network; a directory with something else
// in it is an error.
func Exists(dir string) (bool, error) {
	if _, err := os.Stat(filepath.Join(dir, "genesis.json")); err == nil {
		return true, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if len(entries) > 0 {
		return false, fmt.Errorf("%s is not empty and holds no genesis.json: name another directory with --dir", dir)
	}
	return false, nil
}

// Open reads a network that Generate made.
func Open(dir string) (*Network, error) {
	g, err := genesis.Load(filepath.Join(dir, "genesis.json"))
	if err != nil {
		return nil, err
	}
	n := &Network{Dir: dir, Genesis: g}
	canonical := g.Canonical()
	for i := range g.Validators {
		v := &g.Validators[i]
		n.Nodes = append(n.Nodes, Node{Name: v.Name, NodeID: v.NodeID, Validator: v.Address})
	}
	for _, o := range g.Permissions.Observers {
		n.Nodes = append(n.Nodes, Node{Name: o.Name, NodeID: o.NodeID})
	}
	var errs []error
	for i := range n.Nodes {
		node := &n.Nodes[i]
		node.Dir = filepath.Join(dir, node.Name)
		if err := node.load(g, canonical); err != nil {
			errs = append(errs, err)
		}
	}
	return n, errors.Join(errs...)
}

// load reads the configuration and checks that the folder belongs to the
// network and to the node. The environment is not looked at: it would apply to
// all nodes alike.
func (n *Node) load(g *genesis.Genesis, canonical []byte) error {
	if n.Name == "" || filepath.Base(n.Name) != n.Name {
		return fmt.Errorf("member %s has no name that could be a folder", n.NodeID)
	}
	c, _, err := config.Load(n.Dir, nil, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	n.Config = c
	own, err := genesis.Load(c.GenesisFile)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	if !bytes.Equal(own.Canonical(), canonical) {
		return fmt.Errorf("%s: its genesis has hash %s, that of the network %s", n.Name, own.Hash(), g.Hash())
	}
	key, err := keys.LoadNodeKey(c.NodeKeyFile)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	if id, err := keys.NodeID(key); err != nil || id != n.NodeID {
		return fmt.Errorf("%s: its node key has the id %s, genesis says %s", n.Name, id, n.NodeID)
	}
	return nil
}

// Retarget moves the nodes to other ports, or another host, by changing their
// config.toml; zero values keep what is there. Where nodes are then not found
// under the addresses in genesis, every node's p2p.peers says where they are.
func (n *Network) Retarget(host string, p Ports) error {
	if host == "" && p == (Ports{}) {
		return nil
	}
	for i := range n.Nodes {
		values := endpoints(host, p, i)
		c := n.Nodes[i].Config
		if host == "" {
			delete(values, "rpc.addr")
			delete(values, "admin.addr")
		}
		if p.RPC == 0 {
			delete(values, "rpc.port")
		}
		if p.Admin == 0 {
			delete(values, "admin.port")
		}
		listen, err := moved(c.P2P.Listen[0], host, p.P2P, i)
		if err != nil {
			return err
		}
		values["p2p.listen"] = []string{listen}
		if err := n.Nodes[i].set(values); err != nil {
			return err
		}
	}
	return n.announce()
}

// moved returns host:port of a listening address with another host or port.
func moved(old, host string, first, i int) (string, error) {
	oldHost, port, err := hostPort(old)
	if err != nil {
		return "", err
	}
	if host == "" {
		host = oldHost
	}
	if first != 0 {
		port = strconv.Itoa(first + i)
	}
	return net.JoinHostPort(host, port), nil
}

// hostPort splits a TCP multiaddr.
func hostPort(m string) (host, port string, err error) {
	a, err := multiaddr.NewMultiaddr(m)
	if err != nil {
		return "", "", err
	}
	for _, c := range a {
		switch c.Protocol().Code {
		case multiaddr.P_IP4, multiaddr.P_IP6, multiaddr.P_DNS, multiaddr.P_DNS4, multiaddr.P_DNS6:
			host = c.Value()
		case multiaddr.P_TCP:
			port = c.Value()
		}
	}
	if host == "" || port == "" {
		return "", "", fmt.Errorf("%s is no TCP address", m)
	}
	return host, port, nil
}

// announce writes p2p.peers of every node: the members that listen elsewhere
// than genesis says.
func (n *Network) announce() error {
	elsewhere := make([]string, len(n.Nodes)) // NODEID@HOST:PORT, or empty
	for i := range n.Nodes {
		host, port, err := hostPort(n.Nodes[i].Config.P2P.Listen[0])
		if err != nil {
			return err
		}
		at := net.JoinHostPort(reachable(host), port)
		if at != n.hint(i) {
			elsewhere[i] = n.Nodes[i].NodeID + "@" + at
		}
	}
	for i := range n.Nodes {
		peers := []string{}
		for j, p := range elsewhere {
			if j != i && p != "" {
				peers = append(peers, p)
			}
		}
		if len(peers) == 0 && len(n.Nodes[i].Config.P2P.Peers) == 0 {
			continue
		}
		if err := n.Nodes[i].set(map[string][]string{"p2p.peers": peers}); err != nil {
			return err
		}
	}
	return nil
}

// hint returns the first address that genesis gives for node i, or "".
func (n *Network) hint(i int) string {
	var addresses []string
	if i < len(n.Genesis.Validators) {
		addresses = n.Genesis.Validators[i].Addresses
	} else {
		addresses = n.Genesis.Permissions.Observers[i-len(n.Genesis.Validators)].Addresses
	}
	if len(addresses) == 0 {
		return ""
	}
	return addresses[0]
}

// set changes the node's config.toml, if anything differs, and reads it anew.
func (n *Node) set(values map[string][]string) error {
	path := filepath.Join(n.Dir, config.FileName)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data, err := config.SetInFile(old, values)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	if !bytes.Equal(old, data) {
		tmp := path + ".new"
		if err := os.WriteFile(tmp, data, 0o644); err != nil {
			return err
		}
		if err := os.Rename(tmp, path); err != nil {
			return err
		}
	}
	n.Config, _, err = config.Load(n.Dir, nil, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	return nil
}

// CheckSize reports whether the network has the numbers of nodes that were
// asked for; -1 asks for none. They are part of genesis and cannot change.
func (n *Network) CheckSize(validators, observers int) error {
	v, o := len(n.Genesis.Validators), len(n.Genesis.Permissions.Observers)
	if validators >= 0 && validators != v || observers >= 0 && observers != o {
		return fmt.Errorf("%s holds a network of %d validators and %d observers, which its genesis fixes: name another --dir, or remove this one", n.Dir, v, o)
	}
	return nil
}
