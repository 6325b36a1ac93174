package devnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
)

// silent is the address of a newcomer that names none: it only says where to listen.
const silent = "127.0.0.1:30303"

// Newcomer is a member that joins a network that exists already.
type Newcomer struct {
	Member
	Genesis *genesis.Genesis
	Peers   []string // members that it finds first, NODEID@ADDRESS each

	Checkpoint string // a block that is trusted, as config has it; empty: none
}

// Make makes the folder, complete: the node in it starts, follows the chain when the
// members let it in, and validates when they have voted for its key. It returns what
// they need to know; of an observer only the node id. Keys that exist are kept.
func (n Newcomer) Make(ctx context.Context) (genesis.Validator, error) {
	if err := n.putGenesis(); err != nil {
		return genesis.Validator{}, err
	}
	n.settings = map[string][]string{"join": {"yes"}, "p2p.peers": n.Peers}
	if n.Checkpoint != "" {
		n.settings["checkpoint"] = []string{n.Checkpoint}
	}
	if n.Address == "" {
		n.Address = silent
	} else {
		n.settings["p2p.external"] = []string{n.Address}
	}
	doc, err := n.Member.Make(ctx)
	if err != nil {
		return genesis.Validator{}, err
	}
	v, o, err := genesis.ParseMember(doc)
	if err != nil {
		return genesis.Validator{}, err
	}
	if o != nil {
		return genesis.Validator{NodeID: o.NodeID, Name: o.Name}, nil
	}
	return *v, nil
}

// putGenesis writes the document. The one of another network is never replaced.
func (n Newcomer) putGenesis() error {
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(n.Dir, "genesis.json")
	have, err := genesis.Load(path)
	switch {
	case err == nil && bytes.Equal(have.Canonical(), n.Genesis.Canonical()):
		return nil
	case err == nil:
		return fmt.Errorf("%s is of another network, its hash is %s and not %s: %w", path, have.Hash(), n.Genesis.Hash(), keys.ErrExists)
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	return os.WriteFile(path, n.Genesis.Encode(), 0o644)
}
