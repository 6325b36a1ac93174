package eth

import (
	"encoding/json"
	"math/big"
	"testing"
)

// FuzzCallArgs decodes whatever a client sends and builds a message from it.
func FuzzCallArgs(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"to":null,"gas":"0x1","gasPrice":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}`,
		`{"input":"0x01","data":"0x01","accessList":[{"address":"0x0000000000000000000000000000000000000001","storageKeys":[]}]}`,
		`{"maxFeePerGas":"0x1","maxPriorityFeePerGas":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}`,
		`{"authorizationList":[{"chainId":"0x1","address":"0x0000000000000000000000000000000000000001","nonce":"0x0","yParity":"0x0","r":"0x1","s":"0x1"}]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var args CallArgs
		if json.Unmarshal([]byte(s), &args) != nil || args.check(big.NewInt(1)) != nil {
			return
		}
		const limit = 50_000_000
		for _, base := range []*big.Int{nil, new(big.Int), big.NewInt(7)} {
			m := args.message(base, limit, limit)
			if m.GasLimit > limit {
				t.Errorf("gas %d is over the cap", m.GasLimit)
			}
			if m.Value == nil || m.GasPrice == nil || m.GasFeeCap == nil || m.GasTipCap == nil {
				t.Error("the EVM would crash on a missing number")
			}
		}
	})
}

// FuzzCriteria decodes log filters: what is accepted stays within its bounds.
func FuzzCriteria(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"address":null,"topics":null}`, `{"topics":[null,["0x0000000000000000000000000000000000000000000000000000000000000001",null]]}`,
		`{"fromBlock":"latest","toBlock":"0x5"}`, `{"address":["0x0000000000000000000000000000000000000001"]}`, `{"blockHash":"0x00"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var c Criteria
		if json.Unmarshal([]byte(s), &c) != nil {
			return
		}
		if len(c.Topics) > maxTopics {
			t.Errorf("%d topics", len(c.Topics))
		}
		if c.BlockHash != nil && (c.FromBlock != nil || c.ToBlock != nil) {
			t.Error("hash and range")
		}
	})
}

// FuzzSlot decodes storage keys.
func FuzzSlot(f *testing.F) {
	for _, s := range []string{"", "0x", "0x0", "1", "0xzz", "0X00ff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, _, err := decodeSlot(s); err == nil && len(s) > 66 {
			t.Errorf("%q is too long to be a slot", s)
		}
	})
}
