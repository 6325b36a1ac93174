package eth

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	gethconsensus "github.com/ethereum/go-ethereum/consensus"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
)

// headers shows the chain to go-ethereum's EVM helpers, which ask for headers and
// for a block's author.
type headers struct {
	cfg   *params.ChainConfig
	chain Chain
}

var _ core.ChainContext = headers{}

func (h headers) Config() *params.ChainConfig  { return h.cfg }
func (h headers) CurrentHeader() *types.Header { return h.chain.Head() }
func (h headers) Engine() gethconsensus.Engine { return coinbase{} }

func (h headers) GetHeaderByNumber(number uint64) *types.Header {
	if number > h.chain.Head().Number.Uint64() {
		return nil
	}
	header, err := h.chain.Header(number)
	if err != nil {
		return nil
	}
	return header
}

func (h headers) GetHeader(hash common.Hash, number uint64) *types.Header {
	if header := h.GetHeaderByNumber(number); header != nil && header.Hash() == hash {
		return header
	}
	return nil
}

func (h headers) GetHeaderByHash(hash common.Hash) *types.Header {
	number, ok, err := h.chain.NumberOf(hash)
	if err != nil || !ok {
		return nil
	}
	return h.GetHeaderByNumber(number)
}

// coinbase answers the one question that the EVM helpers have for an engine.
type coinbase struct{ gethconsensus.Engine }

func (coinbase) Author(h *types.Header) (common.Address, error) { return h.Coinbase, nil }

// blockContext is what the EVM sees of a block. Hashes of ancestors are looked
// up by number instead of walking back over headers.
func (a *API) blockContext(h *types.Header, o *BlockOverrides) vm.BlockContext {
	ctx := core.NewEVMBlockContext(h, headers{a.cfg, a.chain}, &h.Coinbase)
	ctx.GetHash = func(number uint64) common.Hash {
		if number >= h.Number.Uint64() {
			return common.Hash{}
		}
		header := headers{a.cfg, a.chain}.GetHeaderByNumber(number)
		if header == nil {
			return common.Hash{}
		}
		return header.Hash()
	}
	if o != nil && o.BlobBaseFee != nil {
		ctx.BlobBaseFee = new(big.Int).Set(o.BlobBaseFee.ToInt())
	}
	return ctx
}
