package txpool

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// replace exchanges the entry at position i for e if its price is high enough.
func (p *Pool) replace(a *account, i int, e *entry, src source) error {
	old := a.entries[i]
	if old.flight > 0 {
		return fmt.Errorf("%w: the transaction with nonce %d is being ordered", ErrReplaceUnderpriced, old.nonce)
	}
	if !outbids(e.tx, old.tx, p.cfg.PriceBumpPercent) {
		return ErrReplaceUnderpriced
	}
	if src.local {
		if err := funds(a, e, old); err != nil {
			return err
		}
	}
	if p.bytes-old.size+e.size > p.cfg.MaxBytes {
		return ErrPoolFull
	}
	was := a.run
	a.remove(i)
	p.forget(old)
	p.running += a.run - was // the account may be empty for a moment: no update
	p.dropped(old.tx.Hash(), StatusReplaced, fmt.Sprintf("replaced by %v of the same nonce", e.tx.Hash()))
	p.put(a, i, e)
	return nil
}

// outbids reports whether both prices rise, and by at least percent.
func outbids(tx, old *types.Transaction, percent int) bool {
	if old.GasFeeCapCmp(tx) >= 0 || old.GasTipCapCmp(tx) >= 0 {
		return false
	}
	least := func(price *big.Int) *big.Int {
		t := new(big.Int).Mul(price, big.NewInt(int64(100+percent)))
		return t.Div(t, big.NewInt(100))
	}
	return tx.GasFeeCapIntCmp(least(old.GasFeeCap())) >= 0 && tx.GasTipCapIntCmp(least(old.GasTipCap())) >= 0
}

// funds says whether the balance covers e beside the executable transactions of
// the account, old (if any) being replaced.
func funds(a *account, e *entry, old *entry) error {
	if a.balance.Lt(&e.cost) {
		return fmt.Errorf("%w: balance %v, tx cost %v, overshot %v", ErrInsufficientFunds, &a.balance, &e.cost, new(uint256.Int).Sub(&e.cost, &a.balance))
	}
	spent := a.spent
	if old != nil && old.nonce-a.nonce < uint64(a.run) {
		spent.Sub(&spent, &old.cost)
	}
	need, overflow := new(uint256.Int).AddOverflow(&spent, &e.cost)
	if !overflow && !a.balance.Lt(need) {
		return nil
	}
	over := new(big.Int).Add(spent.ToBig(), e.cost.ToBig())
	over.Sub(over, a.balance.ToBig())
	if old != nil {
		bump := new(big.Int).Sub(e.cost.ToBig(), old.cost.ToBig())
		return fmt.Errorf("%w: balance %v, queued cost %v, tx bumped %v, overshot %v", ErrInsufficientFunds, &a.balance, &a.spent, bump, over)
	}
	return fmt.Errorf("%w: balance %v, queued cost %v, tx cost %v, overshot %v", ErrInsufficientFunds, &a.balance, &spent, &e.cost, over)
}
