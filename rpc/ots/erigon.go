package ots

import (
	"encoding/json"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// Erigon has the one method of that namespace which Otterscan calls; register it as
// "erigon".
type Erigon struct{ api *API }

// NewErigon returns it.
func NewErigon(api *API) *Erigon { return &Erigon{api} }

// GetHeaderByNumber returns a block's header, or null.
func (e *Erigon) GetHeaderByNumber(number rpc.Number) (json.RawMessage, error) {
	block, err := e.api.block(number)
	if block == nil || err != nil {
		return null, err
	}
	return ethjson.Header(block.Header()), nil
}
