package node

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/store"
)

// keyring is a node's two keys. The signer is nil for an observer.
type keyring struct {
	node   *ecdsa.PrivateKey
	nodeID string
	signer keys.Signer
	voted  *keys.VotedFile
}

// address returns the validator's address, zero for an observer.
func (k *keyring) address() common.Address {
	if k.signer == nil {
		return common.Address{}
	}
	return k.signer.Address()
}

// signerStart is how long a remote signer is waited for when it is asked for its keys.
const signerStart = 10 * time.Second

// LoadSigner opens the validator key of a node that is no observer, wherever it is kept.
func LoadSigner(ctx context.Context, cfg *config.Config, log *slog.Logger) (keys.Signer, error) {
	switch {
	case cfg.HSM.Module != "":
		hsm := cfg.HSM
		hsm.PIN, hsm.Address = cfg.PasswordFile, cfg.Signer.Address
		return keys.OpenHSM(hsm, log)
	case cfg.Signer.URL == "":
		return keys.LoadKeystore(cfg.KeystoreDir, cfg.PasswordFile)
	}
	ctx, cancel := context.WithTimeout(ctx, signerStart)
	defer cancel()
	return keys.DialRemote(ctx, cfg.Signer, log)
}

// loadKeys loads the keys: that of the node, and for a validator its own.
func loadKeys(cfg *config.Config, log *slog.Logger) (*keyring, error) {
	k := &keyring{}
	var err error
	if k.node, err = keys.LoadNodeKey(cfg.NodeKeyFile); err != nil {
		return nil, err
	}
	if k.nodeID, err = keys.NodeID(k.node); err != nil {
		return nil, err
	}
	if cfg.Observer() {
		return k, nil
	}
	signer, err := LoadSigner(context.Background(), cfg, log)
	if err != nil {
		return nil, err
	}
	k.signer, k.voted = signer, keys.OpenVoted(cfg.KeystoreDir, signer.Address())
	return k, nil
}

// checkKeys checks that the keys are ones that the network knows, by the head that
// this node has: with others it would only be refused by everybody. A node that
// joins, or whose key was replaced while it was away, says so in its configuration. One
// that the members have taken out starts: it has its chain to show, and goes on when they
// take it in again.
func (n *Node) checkKeys() error {
	member, known := n.members.directory().byNode(n.keys.nodeID)
	validator := n.keys.address()
	switch {
	case n.cfg.Join, n.awaited():
		return nil
	case !known:
		return n.takenOut()
	case n.keys.signer == nil && !member.Observer:
		return fmt.Errorf("node id %s belongs to validator %s (%s), but no keystore is configured: set keystore and password, or use an observer's node key", n.keys.nodeID, member.Validator, member.Name)
	case n.keys.signer != nil && member.Validator != validator:
		return fmt.Errorf("validator key %s in %s does not belong to node id %s: the network binds that node to validator %s; start with --join=yes if the members have voted for this key", validator, n.cfg.KeystoreDir, n.keys.nodeID, member.Validator)
	}
	return n.noteMember()
}

// metaMember is the node id with which a directory was run as a member's.
var metaMember = store.MetaKey("member")

// noteMember remembers that this node was a member.
func (n *Node) noteMember() error {
	have, err := n.memberOnce()
	if err != nil || have == n.keys.nodeID {
		return err
	}
	b := n.db.NewBatch()
	defer b.Close()
	if err := b.Set(metaMember, []byte(n.keys.nodeID)); err != nil {
		return err
	}
	return n.db.Apply(b, true)
}

// memberOnce returns the node id that was a member's, empty if none was.
func (n *Node) memberOnce() (string, error) {
	row, err := n.db.Get(metaMember)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	return string(row), nil
}

// takenOut fails if the node was never a member of this network.
func (n *Node) takenOut() error {
	have, err := n.memberOnce()
	switch {
	case err != nil:
		return err
	case have != n.keys.nodeID:
		return n.unknownKey()
	}
	n.log.Warn("the members have taken this node out: nobody connects to it, and it shows the blocks that it has; it goes on when they add it again", "id", n.keys.nodeID, "head", n.chain.Head().Number)
	return nil
}

func (n *Node) unknownKey() error {
	return fmt.Errorf("node key %s: node id %s is no member of the network in %s: use the key that was made for this network, or have the members add it and start with --join=yes", n.cfg.NodeKeyFile, n.keys.nodeID, n.cfg.GenesisFile)
}
