package devnet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
)

// Member is one founding member that shares no machine with the others.
type Member struct {
	Name     string
	Address  string // host:port under which the others reach it
	Dir      string // its folder, complete but for genesis.json
	Observer bool   // without a validator key
	Strength keys.Strength

	settings map[string][]string // further ones, for config.toml
}

// Make makes the folder and returns the public file. Keys that exist are kept.
func (m Member) Make(ctx context.Context) ([]byte, error) {
	_, port, err := net.SplitHostPort(m.Address)
	if err != nil {
		return nil, fmt.Errorf("--address %q: host:port is expected", m.Address)
	}
	if _, err := genesis.Multiaddr(m.Address); err != nil {
		return nil, fmt.Errorf("--address: %w", err)
	}
	var doc []byte
	if m.Observer {
		doc, err = m.observer()
	} else {
		doc, err = m.validator(ctx)
	}
	if err != nil {
		return nil, err
	}
	if _, _, err := genesis.ParseMember(doc); err != nil {
		return nil, fmt.Errorf("the member would not be valid:\n%w", err)
	}
	return doc, m.configure(port)
}

// configure writes config.toml, if there is none, and the data directory.
func (m Member) configure(port string) error {
	path := filepath.Join(m.Dir, config.FileName)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		values := map[string][]string{"name": {m.Name}, "p2p.listen": {net.JoinHostPort("0.0.0.0", port)}}
		if m.Observer {
			values["keystore"] = []string{""}
		}
		maps.Copy(values, m.settings)
		if err := os.WriteFile(path, config.Encode(values), 0o644); err != nil {
			return err
		}
	}
	return os.MkdirAll(filepath.Join(m.Dir, "data"), 0o755)
}

func (m Member) observer() ([]byte, error) {
	id, err := newNode(m.Dir)
	if errors.Is(err, keys.ErrExists) {
		id, err = nodeIDOf(m.Dir)
	}
	if err != nil {
		return nil, err
	}
	return genesis.EncodeObserver(genesis.Observer{NodeID: id, Name: m.Name, Addresses: []string{m.Address}}), nil
}

func (m Member) validator(ctx context.Context) ([]byte, error) {
	v, err := NewValidator(ctx, m.Dir, m.Name, m.Address, m.Strength)
	if errors.Is(err, keys.ErrExists) {
		v, err = m.again(ctx)
	}
	if err != nil {
		return nil, err
	}
	return genesis.EncodeMember(v), nil
}

// again makes the public part from keys that are there.
func (m Member) again(ctx context.Context) (genesis.Validator, error) {
	id, err := nodeIDOf(m.Dir)
	if err != nil {
		return genesis.Validator{}, err
	}
	signer, err := keys.LoadKeystore(filepath.Join(m.Dir, "keystore"), filepath.Join(m.Dir, "password"))
	if err != nil {
		return genesis.Validator{}, fmt.Errorf("%s holds a node key, but its validator key cannot be used: %w", m.Dir, err)
	}
	return member(ctx, signer, id, m.Name, m.Address)
}

func nodeIDOf(dir string) (string, error) {
	key, err := keys.LoadNodeKey(filepath.Join(dir, "nodekey"))
	if err != nil {
		return "", err
	}
	return keys.NodeID(key)
}

// member signs the proof of possession.
func member(ctx context.Context, signer keys.Signer, nodeID, name, address string) (genesis.Validator, error) {
	sig, err := signer.Sign(ctx, genesis.MemberPreimage(signer.Address(), nodeID))
	if err != nil {
		return genesis.Validator{}, err
	}
	return genesis.Validator{Address: signer.Address(), NodeID: nodeID, Name: name, Addresses: []string{address}, Proof: sig[:]}, nil
}
