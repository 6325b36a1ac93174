package blocksync

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/chain"
)

// Protocol is the name of the request protocol, version 1: the request is
// EncodeRequest's, each chunk of the response one encoded chain.SealedBlock, in
// ascending order without gaps.
const Protocol = "blocks_by_range"

// MaxRequestBytes bounds an encoded request: three integers.
const MaxRequestBytes = 32

// ErrRequest says that a request makes no sense.
var ErrRequest = errors.New("blocksync: malformed request")

type request struct{ From, Count, Bytes uint64 }

// EncodeRequest asks for at most count blocks from number from on; the block
// with which the response reaches maxBytes shall be its last.
func EncodeRequest(from, count, maxBytes uint64) []byte {
	enc, err := rlp.EncodeToBytes(&request{from, count, maxBytes})
	if err != nil {
		panic(fmt.Sprintf("blocksync: encoding a request: %v", err)) // three integers
	}
	return enc
}

// DecodeRequest is the inverse of EncodeRequest. Block 0 cannot be asked for:
// everybody makes it from the genesis.
func DecodeRequest(data []byte) (from, count, maxBytes uint64, err error) {
	var r request
	if len(data) > MaxRequestBytes {
		return 0, 0, 0, fmt.Errorf("%w: %d bytes, at most %d are right", ErrRequest, len(data), MaxRequestBytes)
	}
	if err := rlp.DecodeBytes(data, &r); err != nil {
		return 0, 0, 0, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if r.From == 0 || r.Count == 0 || r.Bytes == 0 {
		return 0, 0, 0, fmt.Errorf("%w: %d blocks of %d bytes from block %d on", ErrRequest, r.Count, r.Bytes, r.From)
	}
	return r.From, r.Count, r.Bytes, nil
}

// Source is where a Server reads. *chain.Chain is one.
type Source interface {
	Head() *types.Header
	EncodedBlock(number uint64) ([]byte, error)
}

// Server answers requests for blocks. Safe for concurrent use; it holds one
// block in memory per request.
type Server struct {
	source Source
	cfg    Config
}

// NewServer returns a server of a chain.
func NewServer(source Source, cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Server{source, cfg}, nil
}

// Serve answers one request, with as many blocks as there are and the limits
// allow: none is an answer too. ErrRequest blames the peer; other errors are
// send's, the context's or our own.
func (s *Server) Serve(ctx context.Context, req []byte, send func([]byte) error) error {
	from, count, maxBytes, err := DecodeRequest(req)
	if err != nil {
		return err
	}
	head := s.source.Head().Number.Uint64()
	sent, room := uint64(0), min(maxBytes, uint64(s.cfg.ResponseBytes))
	for i := range min(count, s.cfg.MaxBlocks) {
		if from > head || i > head-from || sent >= room {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, err := s.source.EncodedBlock(from + i)
		if pruned := (*chain.ErrPruned)(nil); errors.As(err, &pruned) {
			return nil // another peer may have it
		}
		if err != nil {
			return err
		}
		if err := send(raw); err != nil {
			return err
		}
		sent += uint64(len(raw))
	}
	return nil
}
