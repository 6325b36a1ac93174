package node

import (
	"crypto/ecdsa"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/registry"
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

// loadKeys loads the keys and checks that they are the ones that the network
// knows: a node with other keys would only be refused by everybody.
func loadKeys(cfg *config.Config, reg *registry.Registry) (*keyring, error) {
	k := &keyring{}
	var err error
	if k.node, err = keys.LoadNodeKey(cfg.NodeKeyFile); err != nil {
		return nil, err
	}
	if k.nodeID, err = keys.NodeID(k.node); err != nil {
		return nil, err
	}
	member, known := reg.ByNode(k.nodeID)
	if !known {
		return nil, fmt.Errorf("node key %s: node id %s is no member of the network in %s: use the key that was made for this network, or have the members add it", cfg.NodeKeyFile, k.nodeID, cfg.GenesisFile)
	}
	if cfg.Observer() {
		if !member.Observer {
			return nil, fmt.Errorf("node id %s belongs to validator %s (%s), but no keystore is configured: set keystore and password, or use an observer's node key", k.nodeID, member.Validator, member.Name)
		}
		return k, nil
	}
	signer, err := keys.LoadKeystore(cfg.KeystoreDir, cfg.PasswordFile)
	if err != nil {
		return nil, err
	}
	if signer.Address() != member.Validator {
		return nil, fmt.Errorf("validator key %s in %s does not belong to node id %s: the network binds that node to validator %s", signer.Address(), cfg.KeystoreDir, k.nodeID, member.Validator)
	}
	k.signer, k.voted = signer, keys.OpenVoted(cfg.KeystoreDir, signer.Address())
	return k, nil
}
