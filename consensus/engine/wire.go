package engine

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
)

// The envelope of every message between engines: one byte of type, then the
// canonical RLP of the payload (the idea of EIP-2718).
const (
	wireVote        = 0x01
	wireProposal    = 0x02
	wireCertificate = 0x03
	wireCheckpoint  = 0x04
	wireStatus      = 0x05
	wireBodies      = 0x06
	wireBatch       = 0x07
	wireFetch       = 0x08
	wireEvidence    = 0x09
)

// bodiesMessage carries transaction bodies beside a proposal. It is unsigned:
// a body is what hashes to the hash that the digest binds.
type bodiesMessage struct {
	Digest common.Hash // of the batch, for logs only
	Bodies [][]byte
}

var errWire = errors.New("malformed message")

func seal(kind byte, payload []byte) []byte { return append([]byte{kind}, payload...) }

func sealRLP(kind byte, v any) []byte {
	enc, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic(fmt.Sprintf("engine: encoding %T: %v", v, err)) // our own types always encode
	}
	return seal(kind, enc)
}

// open decodes one message of the wire into *consensus.Vote, *Proposal,
// *CommitCertificate, *CheckpointCertificate, *Status, *Batch, *Fetch,
// *Evidence or *bodiesMessage.
func open(data []byte) (any, error) {
	if len(data) < 2 {
		return nil, fmt.Errorf("%w: %d bytes", errWire, len(data))
	}
	payload := data[1:]
	switch data[0] {
	case wireVote:
		return consensus.DecodeVote(payload)
	case wireProposal:
		return consensus.DecodeProposal(payload)
	case wireCertificate:
		return decodeInto(payload, new(consensus.CommitCertificate))
	case wireCheckpoint:
		return decodeInto(payload, new(consensus.CheckpointCertificate))
	case wireStatus:
		return consensus.DecodeStatus(payload)
	case wireBodies:
		return decodeInto(payload, new(bodiesMessage))
	case wireBatch:
		b, err := decodeInto(payload, new(consensus.Batch))
		if err != nil {
			return nil, err
		}
		return b, b.CheckHashes()
	case wireFetch:
		return consensus.DecodeFetch(payload)
	case wireEvidence:
		return consensus.DecodeEvidence(payload)
	}
	return nil, fmt.Errorf("%w: type 0x%02x does not exist", errWire, data[0])
}

// VoteIn returns the vote in a message of the wire, nil if it carries none: for
// who watches the wire. It verifies nothing.
func VoteIn(data []byte) *consensus.Vote {
	msg, err := open(data)
	if err != nil {
		return nil
	}
	switch m := msg.(type) {
	case *consensus.Vote:
		return m
	case *consensus.Proposal:
		return m.Vote
	}
	return nil
}

func decodeInto[T any](payload []byte, v *T) (*T, error) {
	if err := rlp.DecodeBytes(payload, v); err != nil {
		return nil, fmt.Errorf("%w: %w", errWire, err)
	}
	return v, nil
}
