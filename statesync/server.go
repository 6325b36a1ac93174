package statesync

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
	"golang.org/x/sync/semaphore"
)

// Server answers requests from a shelf. Safe for concurrent use.
type Server struct {
	shelf *Shelf
	busy  *semaphore.Weighted
}

// NewServer returns a server of a shelf.
func NewServer(shelf *Shelf) *Server { return &Server{shelf, semaphore.NewWeighted(serving)} }

// Serve answers one request with one chunk, or with none if it does not have what is
// asked for. ErrRequest blames the peer; other errors are send's, the context's or
// our own.
func (s *Server) Serve(ctx context.Context, data []byte, send func([]byte) error) error {
	r, err := decodeRequest(data)
	if err != nil {
		return err
	}
	var v *volume
	if r.Ask == askOffer {
		v = s.shelf.newest()
	} else {
		v = s.shelf.borrow(r.Pivot)
	}
	if v == nil {
		return nil
	}
	out, err := s.answer(ctx, v, r)
	s.shelf.giveBack(v)
	if err != nil || out == nil {
		return err
	}
	return send(out)
}

func (s *Server) answer(ctx context.Context, v *volume, r *request) ([]byte, error) {
	if err := s.busy.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.busy.Release(1)
	room := int(min(r.Bytes, uint64(s.shelf.cfg.RangeBytes)))
	switch r.Ask {
	case askOffer:
		return v.pivot.Encode(), nil
	case askRecent:
		return s.shelf.source.EncodedRecent(v.pivot)
	case askAccounts:
		out, err := v.export.Accounts(r.From, room)
		if err != nil {
			return nil, err
		}
		return rlp.EncodeToBytes(out)
	case askSlots:
		return slots(v, r, room)
	}
	return code(v, r, room)
}

// slots answers with the accounts' slots in order; only the last account's may be a
// part of them.
func slots(v *volume, r *request, room int) ([]byte, error) {
	var out ranges
	from := r.From
	for _, account := range r.Keys {
		x, err := v.export.Slots(account, from, room)
		if err != nil {
			return nil, errors.Join(ErrRequest, err)
		}
		out = append(out, x)
		from = common.Hash{}
		if room -= x.Size(); room <= 0 || len(x.Proof) > 0 {
			break
		}
	}
	return rlp.EncodeToBytes(out)
}

func code(v *volume, r *request, room int) ([]byte, error) {
	var out [][]byte
	for _, hash := range r.Keys {
		c := v.export.Code(hash)
		if len(c) == 0 {
			return nil, fmt.Errorf("%w: there is no code %x", ErrRequest, hash)
		}
		out = append(out, c)
		if room -= len(c); room <= 0 {
			break
		}
	}
	return rlp.EncodeToBytes(out)
}
