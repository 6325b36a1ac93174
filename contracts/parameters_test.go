package contracts_test

import (
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
)

func number(n int64) *big.Int { return big.NewInt(n) }

// number returns the one number that a function answers.
func (p *play) number(c contracts.Contract, method string, args ...any) int64 {
	p.t.Helper()
	return p.View(c, method, args...)[0].(*big.Int).Int64()
}

// bound returns the least and the largest value of a parameter in the contract.
func (p *play) bound(name string) (low, high uint64, ok bool) {
	p.t.Helper()
	v := p.View(contracts.Parameters, "bounds", contracts.NameKey(name))
	low, high = v[0].(*big.Int).Uint64(), v[1].(*big.Int).Uint64()
	return low, high, low <= high
}

// TestBounds: the contract refuses what consensus.Params refuses, and nothing else;
// the gas cap is at most the fork's.
func TestBounds(t *testing.T) {
	p := newPlay(t, 1)
	for _, name := range []string{contracts.EpochLength, contracts.PrimarySpan, contracts.BlockGasLimit, contracts.MinGasPrice} {
		low, high, _ := p.bound(name)
		valid := func(v uint64) bool { return withParameter(t, name, v).Validate() == nil }
		if !valid(low) || !valid(high) || low > 0 && valid(low-1) || valid(high+1) {
			t.Errorf("%s: the contract allows %d … %d, consensus.Params something else", name, low, high)
		}
	}
	low, high, _ := p.bound(contracts.TransactionGasCap)
	if high != consensus.TransactionGasCap || low != high/2 {
		t.Errorf("transactionGasCap: %d … %d", low, high)
	}
}

// withParameter returns the default parameters with one changed, by its JSON name.
func withParameter(t *testing.T, name string, value uint64) consensus.Params {
	t.Helper()
	params := consensus.DefaultParams()
	v := reflect.ValueOf(&params).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("json") == name {
			v.Field(i).SetUint(value)
			return params
		}
	}
	t.Fatalf("consensus.Params has no %s", name)
	return params
}

func TestSetParameter(t *testing.T) {
	p := newPlay(t, 1)
	for _, name := range []string{contracts.EpochLength, contracts.PrimarySpan, contracts.BlockGasLimit, contracts.MinGasPrice, contracts.TransactionGasCap} {
		low, high, _ := p.bound(name)
		key := contracts.NameKey(name)
		was := p.number(contracts.Parameters, "parameter", key)
		for _, v := range []uint64{low, high} {
			p.passes(contracts.Parameters, "setParameter", args(key, new(big.Int).SetUint64(v)), fmt.Sprintf("ParameterSet(name %s, oldValue %d, value %d)", name, was, v))
			was = p.number(contracts.Parameters, "parameter", key)
		}
		tooMuch := new(big.Int).Lsh(one, 64)
		p.proposes("v0", contracts.Parameters, "setParameter", args(key, tooMuch), fmt.Sprintf("!OutOfRange(name %s, value %d, low %d, high %d)", name, tooMuch, low, high))
		if low > 0 {
			p.proposes("v0", contracts.Parameters, "setParameter", args(key, new(big.Int).SetUint64(low-1)), fmt.Sprintf("!OutOfRange(name %s, value %d, low %d, high %d)", name, low-1, low, high))
		}
	}
	p.proposes("v0", contracts.Parameters, "setParameter", args(contracts.NameKey("pipelineDepth"), one), "!UnknownParameter(name pipelineDepth)")
	if err := p.Try(p.Actor("v0"), contracts.Parameters, "parameter", contracts.NameKey("x")); err == nil || !strings.HasPrefix(err.Error(), "UnknownParameter") {
		t.Error(err)
	}
	if v := p.View(contracts.Parameters, "version")[0].(uint64); v != 10 {
		t.Errorf("version %d", v)
	}
}

func TestForks(t *testing.T) {
	p := newPlay(t, 1)
	c, key := contracts.Parameters, contracts.NameKey
	now := p.Time
	p.proposes("v0", c, "setFork", args(key(""), now+10), "!BadForkName(name \"\")")
	p.proposes("v0", c, "setFork", args(key("amsterdam"), now), fmt.Sprintf("!ForkInThePast(name amsterdam, time %d, present %d)", now, now))
	p.passes(c, "setFork", args(key("amsterdam"), now+10), fmt.Sprintf("ForkSet(name amsterdam, oldTime 0, time %d)", now+10))
	p.passes(c, "setFork", args(key("bogota"), now+20), fmt.Sprintf("ForkSet(name bogota, oldTime 0, time %d)", now+20))
	p.passes(c, "setFork", args(key("amsterdam"), now+15), fmt.Sprintf("ForkSet(name amsterdam, oldTime %d, time %d)", now+10, now+15))
	if got := p.View(c, "forks")[0].([][32]byte); !slices.Equal(got, [][32]byte{key("amsterdam"), key("bogota")}) || p.View(c, "forkTime", key("amsterdam"))[0].(uint64) != now+15 {
		t.Errorf("%x", got)
	}
	p.Time += 15
	p.proposes("v0", c, "setFork", args(key("amsterdam"), now+30), fmt.Sprintf("!ForkActive(name amsterdam, time %d)", now+15))
	p.passes(c, "setFork", args(key("bogota"), uint64(0)), fmt.Sprintf("ForkSet(name bogota, oldTime %d, time 0)", now+20))
	for i := range contracts.MaxForks - 1 {
		p.Pass(c, "setFork", key(fmt.Sprint("fork ", i)), now+100)
	}
	p.proposes("v0", c, "setFork", args(key("more"), now+100), "!TooManyForks(most 32)")
	p.Pass(c, "setFork", key("fork 3"), uint64(0))
	p.Pass(c, "setFork", key("more"), now+100)
}
