package index

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/index"
)

// TokenSummary is a contract that has written an event of a token standard.
type TokenSummary struct {
	Address    common.Address `json:"address"`    // of the contract
	Standard   string         `json:"standard"`   // ERC20, ERC721 or ERC1155: that of its first event
	Transfers  hexutil.Uint64 `json:"transfers"`  // so far; each id of a batch counts
	Holders    hexutil.Uint64 `json:"holders"`    // addresses with a balance, as the events tell
	FirstBlock hexutil.Uint64 `json:"firstBlock"` // of its first event
}

// TokenPage is a part of a list of tokens.
type TokenPage struct {
	Items []TokenSummary `json:"items"` // the first seen last come first
	Next  *string        `json:"next"`  // cursor of the next page; null after the last
}

func tokenOf(t *index.Token) TokenSummary {
	return TokenSummary{t.Address, t.Standard.String(), hexutil.Uint64(t.Transfers), hexutil.Uint64(t.Holders), hexutil.Uint64(t.First)}
}

// ask checks a page of the token index.
func (a *API) ask(page *Paging) (size int, cursor []byte, err error) {
	if a.d.Tokens == nil {
		return 0, nil, errNoTokens
	}
	if size, err = page.size(); err != nil {
		return 0, nil, err
	}
	cursor, err = page.cursor()
	return size, cursor, err
}

// Tokens returns the tokens, those first seen last at the beginning. It needs the
// token index.
func (a *API) Tokens(page *Paging) (*TokenPage, error) {
	size, cursor, err := a.ask(page)
	if err != nil {
		return nil, err
	}
	list, next, err := a.d.Tokens.List(cursor, size)
	if err != nil {
		return nil, err
	}
	out := &TokenPage{Items: make([]TokenSummary, len(list)), Next: text(next)}
	for i := range list {
		out.Items[i] = tokenOf(&list[i])
	}
	return out, nil
}

// Token returns one token, or null. It needs the token index.
func (a *API) Token(address common.Address) (*TokenSummary, error) {
	if a.d.Tokens == nil {
		return nil, errNoTokens
	}
	t, err := a.d.Tokens.Token(address)
	if err != nil || t == nil {
		return nil, err
	}
	out := tokenOf(t)
	return &out, nil
}

// TokenHolder is what an address holds of a token.
type TokenHolder struct {
	Address common.Address `json:"address"` // who
	Balance *hexutil.Big   `json:"balance"` // as the events tell; not null
	ID      *hexutil.Big   `json:"id"`      // of which; null for ERC-20
}

// HolderPage is a part of a list of holders.
type HolderPage struct {
	Items []TokenHolder `json:"items"` // of an ERC-20 token the largest first, of others by id
	Next  *string       `json:"next"`  // cursor of the next page; null after the last
}

// TokenHolders returns who holds a token, as its events tell: of an ERC-20 token the
// largest first, of others by id. It needs the token index.
func (a *API) TokenHolders(token common.Address, page *Paging) (*HolderPage, error) {
	size, cursor, err := a.ask(page)
	if err != nil {
		return nil, err
	}
	list, next, err := a.d.Tokens.Holders(token, cursor, size)
	if errors.Is(err, index.ErrCursor) {
		return nil, errCursor
	}
	if err != nil {
		return nil, err
	}
	out := &HolderPage{Items: make([]TokenHolder, len(list)), Next: text(next)}
	for i := range list {
		out.Items[i] = TokenHolder{list[i].Holder, amount(&list[i].Balance), amount(list[i].ID)}
	}
	return out, nil
}

// TokenBalance is a token that an address holds.
type TokenBalance struct {
	Token    common.Address `json:"token"`    // the contract
	Standard string         `json:"standard"` // ERC20, ERC721 or ERC1155
	Balance  *hexutil.Big   `json:"balance"`  // as the events tell; not null
	ID       *hexutil.Big   `json:"id"`       // of which; null for ERC-20
}

// BalancePage is a part of a list of balances.
type BalancePage struct {
	Items []TokenBalance `json:"items"` // by token and id
	Next  *string        `json:"next"`  // cursor of the next page; null after the last
}

// TokenBalances returns which tokens an address holds, as their events tell, by token
// and id. It needs the token index.
func (a *API) TokenBalances(address common.Address, page *Paging) (*BalancePage, error) {
	size, cursor, err := a.ask(page)
	if err != nil {
		return nil, err
	}
	list, next, err := a.d.Tokens.Balances(address, cursor, size)
	if err != nil {
		return nil, err
	}
	out := &BalancePage{Items: make([]TokenBalance, len(list)), Next: text(next)}
	for i := range list {
		b := &list[i]
		out.Items[i] = TokenBalance{b.Token.Address, b.Token.Standard.String(), amount(&b.Balance), amount(b.ID)}
	}
	return out, nil
}

func amount(v *uint256.Int) *hexutil.Big {
	if v == nil {
		return nil
	}
	return (*hexutil.Big)(v.ToBig())
}
