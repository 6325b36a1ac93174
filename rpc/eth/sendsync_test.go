package eth_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/state"
)

// sync calls eth_sendRawTransactionSync in the background; more are further
// parameters in JSON.
func (c *ourChain) sync(t *testing.T, tx *types.Transaction, more ...string) <-chan answer {
	t.Helper()
	raw, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	params := append([]string{`"` + hexutil.Encode(raw) + `"`}, more...)
	out := make(chan answer, 1)
	go func() { out <- c.call(t, "eth_sendRawTransactionSync", "["+strings.Join(params, ",")+"]") }()
	return out
}

// syncAdmitted is sync that returns when the pool has the transaction.
func (c *ourChain) syncAdmitted(t *testing.T, tx *types.Transaction, more ...string) <-chan answer {
	t.Helper()
	news := c.pool.SubscribeNew(1)
	defer news.Close()
	out := c.sync(t, tx, more...)
	<-news.C()
	return out
}

// TestSendSync: the receipt comes with the block, and is the one that
// eth_getTransactionReceipt shows.
func TestSendSync(t *testing.T) {
	c := newOurChain(t, 1)
	u := c.net.Users[0]
	first, second := u.Transfer(poor, 1), u.Transfer(poor, 2)
	waiting := c.syncAdmitted(t, first, "20000")
	c.seal(t)
	late := c.syncAdmitted(t, second, `"0x4e20"`) // a quantity, as viem sends it
	c.seal(t)
	for tx, ch := range map[*types.Transaction]<-chan answer{first: waiting, second: late} {
		a := <-ch
		want := c.call(t, "eth_getTransactionReceipt", `["`+tx.Hash().Hex()+`"]`)
		if a.Error != nil || string(a.Result) != string(want.Result) || string(want.Result) == "null" {
			t.Errorf("receipt %s (%+v)\nwant %s", a.Result, a.Error, want.Result)
		}
	}
}

// TestSendSyncRefused: the pool's refusals come at once, and bad parameters.
func TestSendSyncRefused(t *testing.T) {
	c := newOurChain(t, 1)
	u := c.net.Users[0]
	done := u.Transfer(poor, 1)
	c.submit(t, done)
	if a := <-c.sync(t, done); a.Error == nil || a.Error.Message != "already known" {
		t.Errorf("%+v", a.Error)
	}
	c.seal(t)
	if a := <-c.sync(t, done); a.Error == nil || !strings.HasPrefix(a.Error.Message, "nonce too low") || a.Error.Data != nil {
		t.Errorf("%+v", a.Error)
	}
	for _, bad := range []string{`"soon"`, `-1`, `1.5`, `"7"`, `{}`} {
		if a := <-c.sync(t, u.Transfer(poor, 1), bad); a.Error == nil || a.Error.Code != -32602 {
			t.Errorf("timeout %s: %+v", bad, a.Error)
		}
	}
}

// TestSendSyncErrors: nothing makes blocks, so that the timeout ends the call with
// code 4; a transaction that lacks its predecessor gets code 5. The data is the
// hash, by which one can ask on.
func TestSendSyncErrors(t *testing.T) {
	c := newOurChain(t, 2, func(_ *state.Config, l *rpc.Limits) {
		l.SyncTimeout, l.SyncMaxTimeout, l.SyncGrace = 30*time.Millisecond, 60*time.Millisecond, 10*time.Millisecond
	})
	u, v := c.net.Users[0], c.net.Users[1]
	const late = "The transaction was added to the transaction pool but wasn't processed in %s"
	v.Nonce++ // a gap
	for _, k := range []struct {
		tx      *types.Transaction
		timeout []string
		code    int
		message string
	}{
		{u.Transfer(poor, 1), nil, 4, fmt.Sprintf(late, "30ms")},
		{u.Transfer(poor, 1), []string{"0"}, 4, fmt.Sprintf(late, "30ms")},
		{u.Transfer(poor, 1), []string{"null"}, 4, fmt.Sprintf(late, "30ms")},
		{u.Transfer(poor, 1), []string{"5"}, 4, fmt.Sprintf(late, "5ms")},
		{u.Transfer(poor, 1), []string{"18446744073709551615"}, 4, fmt.Sprintf(late, "60ms")},
		{v.Transfer(poor, 1), nil, 5, "The transaction was added to the transaction pool but wasn't processed due to a missing nonce or insufficient funds"},
	} {
		a := <-c.sync(t, k.tx, k.timeout...)
		if a.Error == nil || a.Error.Code != k.code || a.Error.Message != k.message || a.Error.Data != k.tx.Hash().Hex() {
			t.Errorf("%+v\nwant %d %s", a.Error, k.code, k.message)
		}
	}
}

// TestSendSyncOutOfOrder: a transaction that comes before its predecessor gets its
// receipt all the same, if that one comes soon.
func TestSendSyncOutOfOrder(t *testing.T) {
	c := newOurChain(t, 1, func(_ *state.Config, l *rpc.Limits) { l.SyncGrace = l.SyncMaxTimeout })
	u := c.net.Users[0]
	first, second := u.Transfer(poor, 1), u.Transfer(poor, 2)
	two := c.syncAdmitted(t, second, "20000")
	one := c.syncAdmitted(t, first, "20000")
	c.seal(t)
	for _, ch := range []<-chan answer{one, two} {
		var receipt struct{ BlockNumber hexutil.Big }
		a := <-ch
		if a.Error != nil || json.Unmarshal(a.Result, &receipt) != nil || receipt.BlockNumber.ToInt().Cmp(big.NewInt(1)) != 0 {
			t.Errorf("%+v %s", a.Error, a.Result)
		}
	}
}

// TestSendSyncBound: calls that wait keep no others out.
func TestSendSyncBound(t *testing.T) {
	c := newOurChain(t, 3, func(_ *state.Config, l *rpc.Limits) { l.SyncSends, l.Requests = 2, 3 })
	var waiting []<-chan answer
	for _, u := range c.net.Users[:2] {
		waiting = append(waiting, c.syncAdmitted(t, u.Transfer(poor, 1), "20000"))
	}
	a := <-c.sync(t, c.net.Users[2].Transfer(poor, 1))
	if a.Error == nil || a.Error.Code != rpc.CodeLimit || !strings.Contains(a.Error.Message, "use eth_sendRawTransaction") {
		t.Errorf("%+v", a.Error)
	}
	if a := c.call(t, "eth_blockNumber", `[]`); string(a.Result) != `"0x0"` {
		t.Errorf("another call: %s", a.Result)
	}
	c.seal(t)
	for _, ch := range waiting {
		if a := <-ch; a.Error != nil {
			t.Errorf("%+v", a.Error)
		}
	}
}
