package node

import (
	"encoding/binary"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/consensus/pbft"
	"github.com/quorate/quorate/keys"
)

// Executable implements engine.Batcher.
func (b batcher) Executable() int {
	if b.n.recovers() {
		return 0
	}
	return b.n.pool.Proposable()
}

// Oldest implements engine.Batcher.
func (b batcher) Oldest() uint64 {
	for _, tx := range b.n.pool.Overdue(0, 1) {
		hash := tx.Hash()
		return binary.BigEndian.Uint64(hash[:8]) | 1
	}
	return 0
}

// Wake implements engine.Batcher.
func (b batcher) Wake() <-chan struct{} { return b.n.pool.Wake() }

// InFlight implements engine.Batcher.
func (b batcher) InFlight(seq consensus.Seq, txs []*types.Transaction) {
	b.n.pool.InFlight(uint64(seq), txs)
}

// Release implements engine.Batcher.
func (b batcher) Release(seq consensus.Seq) { b.n.pool.Release(uint64(seq)) }

// Resolve implements engine.Bodies.
func (b batcher) Resolve(hashes []common.Hash) ([]*types.Transaction, []int) {
	return b.n.pool.Resolve(hashes)
}

// Decode implements engine.Bodies.
func (b batcher) Decode(raw [][]byte) ([]*types.Transaction, error) { return b.n.pool.Decode(raw) }

// UnknownTo implements engine.Bodies.
func (b batcher) UnknownTo(v common.Address, txs []*types.Transaction) []*types.Transaction {
	return b.n.unknownTo(v, txs)
}

// votedFile is the file beside the key in the replica's words.
type votedFile struct{ *keys.VotedFile }

// Past implements engine.Voted.
func (f votedFile) Past() (pbft.Voted, error) {
	v, err := f.VotedFile.Load()
	if errors.Is(err, keys.ErrVotedUnknown) {
		return pbft.Voted{}, nil
	}
	return pbft.Voted{Known: true, Ever: v.Ever, Epoch: v.Epoch}, err
}

// buildConsensus makes block sync, and for a validator the engine.
func (n *Node) buildConsensus(o Options) error {
	if err := errors.Join(n.buildSync(), n.buildStateSync()); err != nil {
		return err
	}
	if n.keys.signer == nil {
		return nil
	}
	var err error
	n.engine, err = engine.New(engine.Config{
		Domain: n.genesis.Domain(), Params: n.reg.Params(), Beneficiary: n.keys.address(),
		Log: n.log.With("part", "consensus"),
	}, engine.Deps{
		Ledger: n.ledger, Batcher: batcher{n}, Bodies: batcher{n}, Wire: n.newWire(o), Journal: journal{n.db.Journal()},
		Signer: n.keys.signer, Voted: votedFile{n.keys.voted}, Syncer: syncer{n}, Membership: n.ledger, Accuser: accuser{n},
	})
	if err != nil {
		return err
	}
	n.connectEngine()
	return nil
}
