package recovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

// MaxBytes bounds the text of a document: 1,024 validators of less than a kilobyte
// each, and the signatures.
const MaxBytes = 2 << 20

// documentText is the document for people and files.
type documentText struct {
	Genesis    common.Hash     `json:"genesis"`
	Ends       uint64          `json:"ends"`
	Number     uint64          `json:"number"`
	BlockHash  common.Hash     `json:"blockHash"`
	StateRoot  common.Hash     `json:"stateRoot"`
	Params     common.Hash     `json:"params"`
	Validators []memberText    `json:"validators"`
	Signatures []signatureText `json:"signatures"`
}

type memberText struct {
	Address  common.Address `json:"address"`
	NodeID   string         `json:"nodeId"`
	Name     string         `json:"name,omitempty"`
	Endpoint string         `json:"endpoint,omitempty"`
}

type signatureText struct {
	By        common.Address `json:"by"`
	Signature hexutil.Bytes  `json:"signature"`
}

// Encode returns the document as the text that people pass around.
func (d *Document) Encode() []byte {
	t := documentText{
		Genesis: d.Genesis, Ends: uint64(d.Ends), Number: uint64(d.Number), BlockHash: d.BlockHash, StateRoot: d.StateRoot, Params: d.Params,
		Validators: []memberText{}, Signatures: []signatureText{},
	}
	for _, m := range d.Members {
		t.Validators = append(t.Validators, memberText{m.Address, genesis.NodeIDString(m.NodeID), m.Name, m.Endpoint})
	}
	for _, s := range d.Signatures {
		t.Signatures = append(t.Signatures, signatureText{s.By, s.Signature[:]})
	}
	out, err := json.MarshalIndent(&t, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("recovery: encoding: %v", err)) // strings and numbers
	}
	return append(out, '\n')
}

// Parse reads such a text and checks its form. Unknown keys are refused.
func Parse(data []byte) (*Document, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d are read", ErrForm, len(data), MaxBytes)
	}
	var t documentText
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows its end", ErrForm)
	}
	d := &Document{
		Genesis: t.Genesis, Ends: consensus.Epoch(t.Ends), Number: consensus.Seq(t.Number), BlockHash: t.BlockHash, StateRoot: t.StateRoot, Params: t.Params,
	}
	for _, m := range t.Validators {
		if err := genesis.CheckNodeID(m.NodeID); err != nil {
			return nil, fmt.Errorf("%w: validator %s: %w", ErrForm, m.Address, err)
		}
		d.Members = append(d.Members, Member{m.Address, genesis.NodeIDBytes(m.NodeID), m.Name, m.Endpoint})
	}
	for _, s := range t.Signatures {
		x := Signature{By: s.By}
		if len(s.Signature) != len(x.Signature) {
			return nil, fmt.Errorf("%w: the signature of %s has %d bytes, %d are right", ErrForm, s.By, len(s.Signature), len(x.Signature))
		}
		copy(x.Signature[:], s.Signature)
		d.Signatures = append(d.Signatures, x)
	}
	return d, d.Check()
}

// Load reads a file. Its errors name the file.
func Load(path string) (*Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// EncodeBytes returns the canonical RLP, in which nodes keep the document and send it
// to each other.
func (d *Document) EncodeBytes() []byte {
	enc, err := rlp.EncodeToBytes(d)
	if err != nil {
		panic(fmt.Sprintf("recovery: encoding: %v", err)) // bytes, strings and numbers
	}
	return enc
}

// DecodeBytes is the inverse of EncodeBytes; it checks the form.
func DecodeBytes(data []byte) (*Document, error) {
	d := new(Document)
	if err := rlp.DecodeBytes(data, d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return d, d.Check()
}
