package registry

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/recovery"
)

// This file is what a recovery does to the system contracts. The first block of the
// epoch that it opens holds no transaction; when it executes, the storage of the
// contracts becomes what it would be had the new members been voted in, and the old
// ones out, with every open vote closed.

// ErrRecovery is a recovery that does not fit the chain.
var ErrRecovery = errors.New("the recovery does not fit this chain")

// Recover returns the epoch that a valid recovery opens in the place of ended, whose
// last block is the one that read reads the state of. Parameters stay what they are,
// and nobody is suspended. A recovery that names other parameters is refused.
func (r *Registry) Recover(d *recovery.Document, digest common.Hash, ended *Epoch, read ReadSlot) (*Epoch, error) {
	switch {
	case !HasContracts(read):
		return nil, fmt.Errorf("%w: it has no system contracts", ErrRecovery)
	case d.Ends != ended.Epoch:
		return nil, fmt.Errorf("%w: it ends epoch %d, the block after %d is of epoch %d", ErrRecovery, d.Ends, d.Number, ended.Epoch)
	case d.Params != ended.Params.Hash():
		return nil, fmt.Errorf("%w: it names the parameters %s, those of epoch %d are %s", ErrRecovery, d.Params, ended.Epoch, ended.Params.Hash())
	}
	out := &Epoch{
		EpochRules: &consensus.EpochRules{Epoch: d.Opens(), First: d.First(), Set: d.Set(), Params: ended.Params},
		SetSince:   d.Opens(), Recovery: digest,
		// Parameters that the members have voted for wait for the next boundary.
		Versions: Versions{Validators: ReadVersions(read).Validators + 1, Parameters: ended.Versions.Parameters},
	}
	out.Members = r.recovered(d)
	return out, nil
}

func (r *Registry) recovered(d *recovery.Document) (out []Member) {
	for _, m := range d.Members {
		id := genesis.NodeIDString(m.NodeID)
		out = append(out, r.hinted(Member{NodeID: id, Validator: m.Address, Name: m.Name}, m.Endpoint))
	}
	return out
}

// Guests returns the members that a recovery names, as nodes without a vote: while it
// waits for its block they must find each other to get there.
func (r *Registry) Guests(d *recovery.Document) []Member {
	out := r.recovered(d)
	for i := range out {
		out[i].Observer = true
	}
	return out
}

// State is the storage of every account of one state, to be written.
type State interface {
	GetState(account common.Address, key common.Hash) common.Hash
	SetState(account common.Address, key, value common.Hash) common.Hash
}

// RecordRecovery writes a recovery into the system contracts, while the first block of
// the epoch that it opens executes. It is a pure function of its arguments; opened is
// what Recover has returned.
func RecordRecovery(st State, primaries Storage, d *recovery.Document, opened *Epoch) error {
	for _, c := range contracts.All() {
		if err := closeProposals(st, c); err != nil {
			return err
		}
	}
	w := &writer{st, contracts.Validators.Address}
	if err := w.dropCandidates(); err != nil {
		return err
	}
	if err := w.replaceMembers(d); err != nil {
		return err
	}
	w.putUint(contracts.ValidatorsVersion.Key(), contracts.ValidatorsVersion, opened.Versions.Validators)
	w.audit(d, opened.Recovery)
	writeWords(primaries, readWords(primaries), new(suspensions).encode())
	return nil
}

// writer writes the storage of one account.
type writer struct {
	st      State
	account common.Address
}

func (w *writer) get(key common.Hash) common.Hash { return w.st.GetState(w.account, key) }

func (w *writer) put(key, word common.Hash) {
	if w.get(key) != word {
		w.st.SetState(w.account, key, word)
	}
}

func (w *writer) putUint(key common.Hash, f contracts.Field, v uint64) {
	word := w.get(key)
	f.PutUint(&word, v)
	w.put(key, word)
}

// putBytes writes bytes or a string, and clears what a longer one has left.
func (w *writer) putBytes(key common.Hash, b []byte) error {
	old, err := contracts.ReadBytes(w.get, key)
	if err != nil {
		return err
	}
	fresh := contracts.Storage{}
	fresh.PutBytes(key, b)
	for _, at := range contracts.BytesKeys(key, max(len(old), len(b))) {
		w.put(at, fresh[at])
	}
	return nil
}

// clear empties a list of words.
func (w *writer) clear(array common.Hash, length uint64) {
	for i := range length {
		w.put(contracts.Item(array, i), common.Hash{})
	}
	w.put(array, common.Hash{})
}

func (w *writer) dropCandidates() error {
	list, err := storage{w.st.GetState, contracts.Validators}.all(contracts.CandidateList, contracts.MaxCandidates)
	if err != nil {
		return err
	}
	for _, word := range list {
		base := contracts.Candidates.Of(word)
		if err := w.drop(base, contracts.CandidateNodeID, contracts.CandidateName); err != nil {
			return err
		}
		w.put(base, common.Hash{})
	}
	w.clear(contracts.CandidateList.Key(), uint64(len(list)))
	return nil
}

// drop clears the texts of a struct, of which the first is a node id, and frees that.
func (w *writer) drop(base common.Hash, nodeID contracts.Field, others ...contracts.Field) error {
	id, err := contracts.ReadBytes(w.get, nodeID.In(base))
	if err != nil {
		return err
	}
	w.put(contracts.NodeOwners.Of(crypto.Keccak256Hash(id)), common.Hash{})
	for _, f := range append(others, nodeID) {
		if err := w.putBytes(f.In(base), nil); err != nil {
			return err
		}
	}
	return nil
}

// replaceMembers writes the new list in the order of the set.
func (w *writer) replaceMembers(d *recovery.Document) error {
	list, err := storage{w.st.GetState, contracts.Validators}.all(contracts.MemberList, contracts.MaxMembers)
	if err != nil {
		return err
	}
	for _, word := range list {
		base := contracts.Members.Of(word)
		if err := w.drop(base, contracts.MemberNodeID, contracts.MemberName, contracts.MemberEndpoint); err != nil {
			return err
		}
		w.put(base, common.Hash{})
	}
	w.clear(contracts.MemberList.Key(), uint64(len(list)))
	for i, m := range d.Members {
		key := contracts.AddressKey(m.Address)
		base := contracts.Members.Of(key)
		w.put(contracts.MemberList.Item(uint64(i)), key)
		w.putUint(contracts.MemberPlace.In(base), contracts.MemberPlace, uint64(i+1))
		w.put(contracts.NodeOwners.Of(crypto.Keccak256Hash(m.NodeID)), key)
		for _, t := range []struct {
			field contracts.Field
			text  []byte
		}{{contracts.MemberNodeID, m.NodeID}, {contracts.MemberName, []byte(m.Name)}, {contracts.MemberEndpoint, []byte(m.Endpoint)}} {
			if err := w.putBytes(t.field.In(base), t.text); err != nil {
				return err
			}
		}
	}
	w.put(contracts.MemberList.Key(), contracts.NumberKey(uint64(len(d.Members))))
	return nil
}

// closeProposals closes every open vote of a contract as expired: those who cast the
// votes are gone.
func closeProposals(st State, c contracts.Contract) error {
	w := &writer{st, c.Address}
	open, err := storage{st.GetState, c}.all(contracts.OpenProposals, maxOpen)
	if err != nil {
		return err
	}
	for _, id := range open {
		base := contracts.Proposals.Of(id)
		proposer := contracts.ProposalProposer.Address(w.get(base))
		w.putUint(base, contracts.ProposalStatus, uint64(ProposalExpired))
		w.put(contracts.OpenOf.Of(contracts.AddressKey(proposer)), common.Hash{})
	}
	w.clear(contracts.OpenProposals.Key(), uint64(len(open)))
	return nil
}

// audit appends the recovery to the record that stays: the digest, and where it cut.
func (w *writer) audit(d *recovery.Document, digest common.Hash) {
	n := contracts.Field{Size: 32}.Uint(w.get(contracts.RecoveryCount))
	base := contracts.Item(contracts.RecoveryCount, 2*n)
	var place common.Hash
	contracts.RecoveryNumber.PutUint(&place, uint64(d.Number))
	contracts.RecoveryEnds.PutUint(&place, uint64(d.Ends))
	w.put(base, digest)
	w.put(contracts.RecoveryNumber.In(base), place)
	w.put(contracts.RecoveryCount, contracts.NumberKey(n+1))
}

// RecoveryRecord is what the chain has written down about one recovery.
type RecoveryRecord struct {
	Digest common.Hash
	Ends   consensus.Epoch
	Number consensus.Seq
}

// maxRecoveries bounds what is read back: each was an act of people.
const maxRecoveries = 1 << 16

// ReadRecoveries reads the record, oldest first.
func ReadRecoveries(read ReadSlot) []RecoveryRecord {
	s := storage{read, contracts.Validators}
	n := min(contracts.Field{Size: 32}.Uint(s.slot(contracts.RecoveryCount)), maxRecoveries)
	out := make([]RecoveryRecord, n)
	for i := range out {
		base := contracts.Item(contracts.RecoveryCount, 2*uint64(i))
		out[i] = RecoveryRecord{
			Digest: s.slot(base),
			Ends:   consensus.Epoch(s.uint(contracts.RecoveryEnds, base)), Number: consensus.Seq(s.uint(contracts.RecoveryNumber, base)),
		}
	}
	return out
}
