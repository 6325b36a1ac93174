package eth

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// accountProof is the answer of eth_getProof (EIP-1186): an account, the nodes
// from the state root to it, and the same for some of its slots. Its schema is
// closed.
type accountProof struct {
	Address      common.Address `json:"address"`
	AccountProof proofNodes     `json:"accountProof"`
	Balance      *hexutil.Big   `json:"balance"`
	CodeHash     common.Hash    `json:"codeHash"`
	Nonce        hexutil.Uint64 `json:"nonce"`
	StorageHash  common.Hash    `json:"storageHash"`
	StorageProof []slotProof    `json:"storageProof"`
}

// slotProof is a slot with the nodes from the storage root to it.
type slotProof struct {
	Key   string       `json:"key"`
	Value *hexutil.Big `json:"value"`
	Proof proofNodes   `json:"proof"`
}

// proofNodes collects the nodes of a proof, the root first.
type proofNodes []hexutil.Bytes

// Put implements ethdb.KeyValueWriter.
func (p *proofNodes) Put(_, node []byte) error {
	*p = append(*p, common.CopyBytes(node))
	return nil
}

// Delete implements ethdb.KeyValueWriter; proving never deletes.
func (*proofNodes) Delete([]byte) error { return errors.New("a proof only grows") }

// slotKey is a key that a client asked for, and how it is named in the answer.
type slotKey struct {
	key  common.Hash
	name string
}

// GetProof returns an account and some of its slots with Merkle proofs against
// the state root of a block. Proofs in the past need an archive of them.
func (a *API) GetProof(ctx context.Context, addr common.Address, keys []string, at *gethrpc.BlockNumberOrHash) (*accountProof, error) {
	wanted, err := a.slotKeys(keys)
	if err != nil {
		return nil, err
	}
	return heavy(ctx, a, at, func(ctx context.Context, v *View, header *types.Header) (*accountProof, error) {
		db := v.StateDB
		out := &accountProof{
			Address: addr, AccountProof: proofNodes{}, Balance: (*hexutil.Big)(db.GetBalance(addr).ToBig()),
			CodeHash: db.GetCodeHash(addr), Nonce: hexutil.Uint64(db.GetNonce(addr)), StorageHash: db.GetStorageRoot(addr),
		}
		accounts, err := db.Database().OpenTrie(header.Root)
		if err != nil {
			return nil, unavailable(err, header)
		}
		if err := accounts.Prove(crypto.Keccak256(addr[:]), &out.AccountProof); err != nil {
			return nil, err
		}
		if out.StorageProof, err = a.slotProofs(ctx, db, header, addr, wanted); err != nil {
			return nil, err
		}
		return out, db.Error()
	})
}

// slotProofs proves slots of one account.
func (a *API) slotProofs(ctx context.Context, db *gstate.StateDB, header *types.Header, addr common.Address, keys []slotKey) ([]slotProof, error) {
	out := make([]slotProof, len(keys))
	root := db.GetStorageRoot(addr)
	var slots gstate.Trie
	if len(keys) > 0 && root != types.EmptyRootHash && root != (common.Hash{}) {
		var err error
		if slots, err = db.Database().OpenStorageTrie(header.Root, addr, root, nil); err != nil {
			return nil, unavailable(err, header)
		}
	}
	for i, k := range keys {
		out[i] = slotProof{k.name, new(hexutil.Big), proofNodes{}}
		if slots == nil {
			continue
		}
		if ctx.Err() != nil {
			return nil, a.timedOut()
		}
		if err := slots.Prove(crypto.Keccak256(k.key[:]), &out[i].Proof); err != nil {
			return nil, err
		}
		out[i].Value = (*hexutil.Big)(db.GetState(addr, k.key).Big())
	}
	return out, nil
}

// slotKeys reads the keys. A key of 32 bytes is named in the answer as it came,
// any shorter one as a quantity: clients of old rely on it.
func (a *API) slotKeys(keys []string) ([]slotKey, error) {
	if len(keys) > a.limits.ProofKeys {
		return nil, rpc.InvalidParams("too many storage keys requested (max %d, got %d)", a.limits.ProofKeys, len(keys))
	}
	out := make([]slotKey, len(keys))
	for i, s := range keys {
		key, length, err := decodeSlot(s)
		if err != nil {
			return nil, rpc.InvalidParams("%v: %q", err, s)
		}
		out[i] = slotKey{key, hexutil.Encode(key[:])}
		if length < common.HashLength {
			out[i].name = hexutil.EncodeBig(key.Big())
		}
	}
	return out, nil
}
