package contracts_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
)

// plain is a call of nothing; a nil to deploys nothing.
func (p *play) plain(who string, to *common.Address, gas uint64) *types.Transaction {
	return p.Sign(p.Actor(who), &types.LegacyTx{To: to, Gas: gas, GasPrice: new(big.Int)})
}

// offers puts transactions into one block and wants these reasons, "" for none.
func (p *play) offers(txs []*types.Transaction, want ...string) {
	p.t.Helper()
	for i, got := range p.Offer(txs...) {
		if got != want[i] {
			p.t.Errorf("transaction %d: %q, want %q", i, got, want[i])
		}
	}
}

const (
	noRole     = " may not send transactions: it has no role in a list that is closed (contract of the senders, senders)"
	noDeployer = " may not deploy contracts: it has no role in a list that is closed (contract of the deployers, deployers)"
	isFrozen   = " may not send transactions: it is frozen (contract of the senders, senders)"
)

// TestEnforced: execution skips what the state does not permit, with the reason; what
// members do for the network is permitted.
func TestEnforced(t *testing.T) {
	p := newPlay(t, 1, roles(contracts.Senders, map[uint64][]string{1: {"e", "f"}, 2: {"admin"}}), roles(contracts.Deployers, map[uint64][]string{1: {"f"}}), func(g *genesis.Genesis) {
		g.Permissions.Senders, g.Permissions.Deployers = genesis.Closed, genesis.Closed
	})
	to := &common.Address{9}
	gas := uint64(100_000)
	p.offers([]*types.Transaction{
		p.plain("x", to, gas), p.plain("e", to, gas), p.plain("e", nil, gas), p.plain("f", nil, gas),
		p.plain("x", nil, gas), p.plain("v0", to, gas), p.plain("x", &contracts.Validators.Address, gas),
	}, "permission: x"+noRole, "", "permission: e"+noDeployer, "", "permission: x"+noRole, "permission: v0"+noRole, "permission: x"+noRole)
	p.does("v0", contracts.Observers, "removeNode", args([]byte{1}), "!NotEnabled(caller v0)")
	p.offers([]*types.Transaction{p.plain("v0", &genesis.SuspensionAccount, gas)}, "")
	// A candidate attests, and does nothing else.
	p.passes(contracts.Validators, "add", args(p.Actor("x").Address, contractstest.NodeBytes("x"), ""), "CandidateAdded(validator x, replaces nobody, nodeId node of x, name , until 1700604800)")
	p.offers([]*types.Transaction{p.plain("x", to, gas)}, "permission: x"+noRole)
	p.Must(p.Actor("x"), contracts.Validators, "attest", p.head()...)
}

// TestEnforcedInside: what a transaction changes holds for the next one of the block.
func TestEnforcedInside(t *testing.T) {
	p := newPlay(t, 1, roles(contracts.Senders, map[uint64][]string{2: {"admin"}}))
	to, gas := &common.Address{9}, uint64(200_000)
	x := p.Actor("x").Address
	freeze := func(frozen bool) *types.Transaction {
		return p.Sign(p.Actor("admin"), &types.LegacyTx{To: &contracts.Senders.Address, Gas: gas, GasPrice: new(big.Int), Data: p.Pack(contracts.Senders, "setFrozen", x, frozen)})
	}
	first := p.plain("x", to, gas)
	second := p.plain("x", to, gas)
	p.offers([]*types.Transaction{first, freeze(true), second, freeze(false), second}, "", "", "permission: x"+isFrozen, "", "")
}

func TestEnforcedGasCap(t *testing.T) {
	p := newPlay(t, 1)
	to := &common.Address{9}
	p.passes(contracts.Parameters, "setParameter", args(contracts.NameKey(contracts.TransactionGasCap), big.NewInt(9_000_000)), "ParameterSet(name transactionGasCap, oldValue 16777216, value 9000000)")
	p.offers([]*types.Transaction{p.plain("x", to, 9_000_001), p.plain("y", to, 9_000_000)},
		"permission: gas limit 9000001 is above 9000000, the most that a transaction may ask for (contract of the parameters, parameters)", "")
}
