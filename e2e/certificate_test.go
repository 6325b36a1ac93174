package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/genesis"
)

// certificate is the answer of pbft_commitCertificate.
type certificate struct {
	Number      uint64           `json:"number"`
	Epoch       uint64           `json:"epoch"`
	View        uint64           `json:"view"`
	Seq         uint64           `json:"seq"`
	BatchDigest common.Hash      `json:"batchDigest"`
	BlockHash   common.Hash      `json:"blockHash"`
	Validators  []common.Address `json:"validators"`
	Signers     hexutil.Bytes    `json:"signers"`
	Signatures  []hexutil.Bytes  `json:"signatures"`
	Header      hexutil.Bytes    `json:"header"`
	BatchHeader hexutil.Bytes    `json:"batchHeader"`
}

// signed returns the addresses whose signatures the certificate holds.
func (c *certificate) signed() []common.Address {
	var out []common.Address
	for i, a := range c.Validators {
		if i/8 < len(c.Signers) && c.Signers[i/8]&(1<<(i%8)) != 0 {
			out = append(out, a)
		}
	}
	return out
}

// verifier checks certificates as an auditor would: with the genesis file and
// what the protocol's description says, none of the node's own code for it.
type verifier struct {
	chainID     uint64
	genesisHash common.Hash
	validators  []common.Address // ascending: indices count in this order
}

func newVerifier(genesisFile string) (*verifier, error) {
	data, err := os.ReadFile(genesisFile)
	if err != nil {
		return nil, err
	}
	var doc struct {
		ChainID    uint64 `json:"chainId"`
		Validators []struct {
			Address common.Address `json:"address"`
		} `json:"validators"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	g, err := genesis.Parse(data) // computes block 0, and with it the hash
	if err != nil {
		return nil, err
	}
	v := &verifier{chainID: doc.ChainID, genesisHash: g.Hash()}
	for _, m := range doc.Validators {
		v.validators = append(v.validators, m.Address)
	}
	slices.SortFunc(v.validators, common.Address.Cmp)
	return v, nil
}

// quorum is ⌈(n+f+1)/2⌉ with f = ⌊(n−1)/3⌋.
func (v *verifier) quorum() int {
	n := len(v.validators)
	f := (n - 1) / 3
	return (n + f + 2) / 2
}

// preimage is the signed text of a COMMIT: words of 32 bytes.
func (v *verifier) preimage(c *certificate) []byte {
	uint256 := func(x uint64) []byte { return common.BigToHash(new(big.Int).SetUint64(x)).Bytes() }
	const commit = 3
	return bytes.Join([][]byte{
		crypto.Keccak256([]byte("quorate/vote/1")), uint256(v.chainID), v.genesisHash[:], uint256(commit),
		uint256(c.Epoch), uint256(c.View), uint256(c.Seq), c.BatchDigest[:], c.BlockHash[:],
	}, nil)
}

// check verifies quorum, signatures and the hashes of both headers.
func (v *verifier) check(c *certificate) error {
	if got := crypto.Keccak256Hash(c.Header); got != c.BlockHash {
		return fmt.Errorf("keccak256 of the header is %s, the certificate is for %s", got, c.BlockHash)
	}
	if got := crypto.Keccak256Hash(c.BatchHeader); got != c.BatchDigest {
		return fmt.Errorf("keccak256 of the batch header is %s, the certificate is for %s", got, c.BatchDigest)
	}
	var h types.Header
	if err := rlp.DecodeBytes(c.Header, &h); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if h.Number.Uint64() != c.Number || c.Seq != c.Number || h.MixDigest != c.BatchDigest {
		return fmt.Errorf("header of block %s with batch %s in certificate %d of batch %s", h.Number, h.MixDigest, c.Number, c.BatchDigest)
	}
	if !slices.Equal(c.Validators, v.validators) {
		return fmt.Errorf("validators %v, genesis has %v", c.Validators, v.validators)
	}
	signers := c.signed()
	if len(signers) != len(c.Signatures) || len(signers) < v.quorum() {
		return fmt.Errorf("%d signers, %d signatures, quorum is %d of %d", len(signers), len(c.Signatures), v.quorum(), len(v.validators))
	}
	hash := crypto.Keccak256(v.preimage(c))
	for i, sig := range c.Signatures {
		key, err := crypto.SigToPub(hash, sig)
		if err != nil {
			return fmt.Errorf("signature %d: %w", i, err)
		}
		if got := crypto.PubkeyToAddress(*key); got != signers[i] {
			return fmt.Errorf("signature %d is by %s, not by %s", i, got, signers[i])
		}
	}
	return nil
}

// tampered are certificates that must not pass: a check that accepts anything
// would be no check.
func (v *verifier) refusesTampered(c *certificate) error {
	other := *c
	other.View++
	fewer := *c
	fewer.Signatures = fewer.Signatures[:v.quorum()-1]
	fewer.Signers = slices.Clone(fewer.Signers)
	for i, left := len(c.Validators)-1, len(c.Signatures)-len(fewer.Signatures); left > 0; i-- {
		if fewer.Signers[i/8]&(1<<(i%8)) != 0 {
			fewer.Signers[i/8] &^= 1 << (i % 8)
			left--
		}
	}
	header := *c
	header.Header = slices.Clone(c.Header)
	header.Header[len(header.Header)/2] ^= 1
	for name, bad := range map[string]*certificate{"of another view": &other, "without a quorum": &fewer, "with another header": &header} {
		if v.check(bad) == nil {
			return errors.New("a certificate " + name + " passes")
		}
	}
	return nil
}
