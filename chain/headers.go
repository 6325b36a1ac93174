package chain

import (
	"github.com/ethereum/go-ethereum/common"
	gethconsensus "github.com/ethereum/go-ethereum/consensus"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

// headerReader shows final headers as go-ethereum's EVM wants to see them.
type headerReader struct{ c *Chain }

// HeaderReader returns what go-ethereum's core and tracers read headers from.
// What is not there is nil, as that interface demands.
func (c *Chain) HeaderReader() gethconsensus.ChainHeaderReader { return headerReader{c} }

// Config implements gethconsensus.ChainHeaderReader.
func (r headerReader) Config() *params.ChainConfig { return r.c.config }

// CurrentHeader implements gethconsensus.ChainHeaderReader.
func (r headerReader) CurrentHeader() *types.Header { return r.c.Head() }

// GetHeaderByNumber implements gethconsensus.ChainHeaderReader.
func (r headerReader) GetHeaderByNumber(number uint64) *types.Header {
	h, err := r.c.Header(number)
	if err != nil {
		return nil
	}
	return h
}

// GetHeader implements gethconsensus.ChainHeaderReader.
func (r headerReader) GetHeader(hash common.Hash, number uint64) *types.Header {
	s, err := r.c.sealed(number)
	if err != nil || s.hash != hash {
		return nil
	}
	return s.Header
}

// GetHeaderByHash implements gethconsensus.ChainHeaderReader.
func (r headerReader) GetHeaderByHash(hash common.Hash) *types.Header {
	number, ok, err := r.c.NumberOf(hash)
	if err != nil || !ok {
		return nil
	}
	return r.GetHeaderByNumber(number)
}
