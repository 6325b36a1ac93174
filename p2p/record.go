package p2p

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/peer"
)

// recordDomain is the first word of what a record's signatures cover, so that
// no record can ever be taken for a vote or the other way round.
var recordDomain = crypto.Keccak256Hash([]byte("quorate/record/1"))

// Record says where a node can be reached. It is signed by the node key, whose
// public half is inside the peer id, so any holder can pass it on and nobody
// can change it. A validator's record is signed by the validator key as well,
// which binds the two keys.
type Record struct {
	ChainID      uint64
	Genesis      common.Hash
	Peer         []byte         // binary peer id
	Validator    common.Address // zero for observers
	Seq          uint64         // grows with every change, also over restarts
	Expiry       uint64         // Unix seconds
	Addresses    []string       // multiaddrs, at most 16
	NodeSig      []byte         // 65 bytes, by the node key
	ValidatorSig []byte         // 65 bytes by the validator key, or empty
}

// recordBody is the signed part.
type recordBody struct {
	ChainID   uint64
	Genesis   common.Hash
	Peer      []byte
	Validator common.Address
	Seq       uint64
	Expiry    uint64
	Addresses []string
}

// preimage returns the four 32-byte words that both signatures cover, hashed
// with keccak256: domain, chain id, genesis hash, keccak256(rlp(body)).
func (r *Record) preimage() []byte {
	body, err := rlp.EncodeToBytes(&recordBody{r.ChainID, r.Genesis, r.Peer, r.Validator, r.Seq, r.Expiry, r.Addresses})
	if err != nil {
		panic(fmt.Sprintf("p2p: encoding a record body: %v", err)) // plain fields always encode
	}
	out := make([]byte, 0, 4*32)
	out = append(out, recordDomain[:]...)
	out = append(out, make([]byte, 24)...)
	out = binary.BigEndian.AppendUint64(out, r.ChainID)
	out = append(out, r.Genesis[:]...)
	return append(out, crypto.Keccak256(body)...)
}

func (r *Record) id() peer.ID { return peer.ID(r.Peer) }

// expired tells whether the record is no longer to be passed on or believed.
func (r *Record) expired(now time.Time) bool { return now.Unix() >= int64(min(r.Expiry, 1<<62)) }

// encode returns the wire form.
func (r *Record) encode() []byte {
	b, err := rlp.EncodeToBytes(r)
	if err != nil {
		panic(fmt.Sprintf("p2p: encoding a record: %v", err))
	}
	return b
}

// decodeRecord reads and fully verifies one record: sizes, addresses, network,
// both signatures. It does not look at the expiry or at the member list.
func decodeRecord(data []byte, chainID uint64, genesis common.Hash) (*Record, error) {
	if len(data) > maxRecordBytes {
		return nil, fmt.Errorf("p2p: record of %d bytes, at most %d", len(data), maxRecordBytes)
	}
	r := new(Record)
	if err := rlp.DecodeBytes(data, r); err != nil {
		return nil, fmt.Errorf("p2p: record: %w", err)
	}
	if r.ChainID != chainID || r.Genesis != genesis {
		return nil, fmt.Errorf("p2p: record is of chain %d genesis %s, ours is %d %s", r.ChainID, r.Genesis, chainID, genesis)
	}
	if r.Seq > maxRecordSeq {
		return nil, fmt.Errorf("p2p: record has sequence number %d, at most %d", r.Seq, uint64(maxRecordSeq))
	}
	if len(r.Addresses) > maxRecordAddrs {
		return nil, fmt.Errorf("p2p: record has %d addresses, at most %d", len(r.Addresses), maxRecordAddrs)
	}
	for _, a := range r.Addresses {
		if _, err := parseAddr(a); err != nil {
			return nil, fmt.Errorf("p2p: record: %w", err)
		}
	}
	return r, r.verify()
}

// verify checks both signatures.
func (r *Record) verify() error {
	id, err := peer.IDFromBytes(r.Peer)
	if err != nil {
		return fmt.Errorf("p2p: record: bad peer id: %w", err)
	}
	hash := crypto.Keccak256(r.preimage())
	signer, err := recoverKey(hash, r.NodeSig)
	if err != nil {
		return fmt.Errorf("p2p: record of %s: node signature: %w", id, err)
	}
	want, err := PublicKey(id)
	if err != nil {
		return err
	}
	if !bytes.Equal(crypto.FromECDSAPub(want), signer) {
		return fmt.Errorf("p2p: record of %s is not signed by its node key", id)
	}
	if r.Validator == (common.Address{}) {
		if len(r.ValidatorSig) != 0 {
			return fmt.Errorf("p2p: record of %s has a validator signature but no validator", id)
		}
		return nil
	}
	signer, err = recoverKey(hash, r.ValidatorSig)
	if err != nil {
		return fmt.Errorf("p2p: record of %s: validator signature: %w", id, err)
	}
	if got := common.BytesToAddress(crypto.Keccak256(signer[1:])[12:]); got != r.Validator {
		return fmt.Errorf("p2p: record of %s names validator %s but is signed by %s", id, r.Validator, got)
	}
	return nil
}

// recoverKey returns the 65-byte public key of a canonical signature (low s, v
// 0 or 1). High s is refused so that a record has one form per signer.
func recoverKey(hash, sig []byte) ([]byte, error) {
	if len(sig) != crypto.SignatureLength {
		return nil, fmt.Errorf("signature has %d bytes, want %d", len(sig), crypto.SignatureLength)
	}
	pub, err := crypto.Ecrecover(hash, sig)
	if err != nil {
		return nil, err
	}
	if !crypto.VerifySignature(pub, hash, sig[:64]) { // refuses high s
		return nil, errors.New("signature is not canonical")
	}
	return pub, nil
}

// signRecord builds the record of this node.
func signRecord(cfg *Config, id peer.ID, addrs []string, seq uint64, now time.Time) (*Record, error) {
	r := &Record{
		ChainID: cfg.ChainID, Genesis: cfg.Genesis, Peer: []byte(id), Seq: seq,
		Expiry: uint64(now.Add(cfg.Limits.RecordLife).Unix()), Addresses: addrs,
	}
	if cfg.SignRecord != nil {
		r.Validator = cfg.Validator
	}
	pre := r.preimage()
	sig, err := crypto.Sign(crypto.Keccak256(pre), cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("p2p: signing the node record: %w", err)
	}
	r.NodeSig = sig
	if cfg.SignRecord != nil {
		if r.ValidatorSig, err = cfg.SignRecord(pre); err != nil {
			return nil, fmt.Errorf("p2p: signing the node record with the validator key: %w", err)
		}
	}
	if err := r.verify(); err != nil { // a wrong key here would make every peer refuse it
		return nil, err
	}
	return r, nil
}
