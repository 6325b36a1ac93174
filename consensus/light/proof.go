package light

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// MaxProofBytes bounds the text of a proof: a transaction and its receipt may
// have a megabyte each, written as hex, and thousands of links 100 KB each do not
// belong into one proof.
const MaxProofBytes = 32 << 20

// ErrForm is a text that is no proof.
var ErrForm = errors.New("this is no finality proof")

// Proof shows to anyone who has the genesis document that a transaction is final,
// and with what result. See docs/protocol.md for what is signed.
type Proof struct {
	Genesis          common.Hash     `json:"genesis"`          // hash of block 0
	Links            []Link          `json:"links"`            // changes of the validator set up to the block's epoch
	Certificate      Certificate     `json:"certificate"`      // of the block
	Header           hexutil.Bytes   `json:"header"`           // RLP; its keccak256 is the block's hash
	TransactionIndex hexutil.Uint64  `json:"transactionIndex"` // in the block
	Transaction      hexutil.Bytes   `json:"transaction"`      // EIP-2718; its keccak256 is the transaction's hash
	TransactionProof []hexutil.Bytes `json:"transactionProof"` // trie nodes from the header's transactionsRoot down
	Receipt          hexutil.Bytes   `json:"receipt"`          // EIP-2718
	ReceiptProof     []hexutil.Bytes `json:"receiptProof"`     // trie nodes from the header's receiptsRoot down
}

// Certificate is a commit certificate without what the header tells: the number
// of the block is its sequence number, its hash is what is signed.
type Certificate struct {
	Epoch       hexutil.Uint64  `json:"epoch"`
	View        hexutil.Uint64  `json:"view"`
	BatchDigest common.Hash     `json:"batchDigest"`
	Signers     hexutil.Bytes   `json:"signers"`    // bit i of the little-endian bytes is validator i
	Signatures  []hexutil.Bytes `json:"signatures"` // one per signer, ascending by index
}

// ParseProof reads a proof as pbft_finalityProof answers it. The order of keys and
// white space are free; other keys and other spellings of the same value are
// refused with ErrForm.
func ParseProof(data []byte) (*Proof, error) {
	if len(data) > MaxProofBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d are read", ErrForm, len(data), MaxProofBytes)
	}
	p := new(Proof)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("%w: %w%s", ErrForm, err, answerHint(data))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows its end", ErrForm)
	}
	return p, p.sameAs(data)
}

// sameAs compares with the one way to write this proof: encoding/json takes keys
// in any case, and hex in both.
func (p *Proof) sameAs(data []byte) error {
	own, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(data, &got), json.Unmarshal(own, &want)); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%w: a key is missing, or a key or value is not written as the node writes it (exact keys, lower-case hex)", ErrForm)
	}
	return nil
}

// answerHint helps who has saved a whole JSON-RPC answer.
func answerHint(data []byte) string {
	var answer struct {
		Result json.RawMessage `json:"result"`
	}
	if json.Unmarshal(data, &answer) == nil && len(answer.Result) > 0 {
		return ` (this is a whole JSON-RPC answer: save its "result" alone)`
	}
	return ""
}
