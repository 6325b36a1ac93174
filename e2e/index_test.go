package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
)

// This file: the index_ methods of a devnet on which OpenZeppelin's tokens were
// deployed and moved, and nodes that were killed under load.

// TestIndexes: every index_ method tells what happened; a node that was killed under
// load answers as the others, and so does one whose index was built anew.
func TestIndexes(t *testing.T) {
	full(t)
	if err := npmInstall(); err != nil {
		t.Fatal(err)
	}
	random := seed(t)
	d := startDevnet(t, 4, 0)
	cmd := clientCommand(t, "node", "tokens.mjs", d.network(t, 8, []int{0, 1, 2, 3}))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tokens.mjs: %v\n%s", err, out)
	}
	settled(t, d.Validators, recoverLimit)
	x := &tokenWorld{t: t, d: d, maker: d.Accounts[8].Address, friend: d.Accounts[9].Address}
	x.tells(d.Validators[1])

	l := startLoad(d, d.Validators, 6)
	l.await(commitLimit, 100)
	order := random.Perm(4) // the supervisor sees each of them die once
	for _, i := range order[:3] {
		n := d.Validators[i]
		pause(t, time.Duration(random.IntN(200))*time.Millisecond)
		d.kill(n)
		l.await(recoverLimit, 100)
		n.restart()
	}
	l.finish()
	settled(t, d.Validators, recoverLimit)
	x.tells(d.Validators[0])
	x.same(d.Validators)

	n := d.Validators[order[3]]
	d.kill(n)
	mustRun(t, "index", "rebuild", "--dir", n.Dir, "--json")
	if status := mustRun(t, "index", "status", "--dir", n.Dir); strings.Contains(status, "off") || strings.Contains(status, "interrupted") {
		t.Errorf("index status: %s", status)
	}
	n.restart()
	settled(t, d.Validators, recoverLimit)
	x.same(d.Validators)
	if status := mustRun(t, "index", "status", "--rpc", n.RPC); strings.Count(status, "blocks 0 … ") != 3 {
		t.Errorf("index status: %s", status)
	}
	d.proc.stop()
}

// tokenWorld is what tokens.mjs has done.
type tokenWorld struct {
	t             *testing.T
	d             *devnet
	maker, friend common.Address
}

// ask returns an answer as any JSON value.
func (x *tokenWorld) ask(n *node, method string, params ...any) (out any) {
	x.t.Helper()
	raw, err := n.call(x.t.Context(), method, params...)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		x.t.Fatalf("%s%v at %s: %v", method, params, n.Name, err)
	}
	return out
}

// items are those of all pages of a list, with some members each, as text.
func (x *tokenWorld) items(n *node, members []string, method string, params ...any) (out []string) {
	x.t.Helper()
	page := map[string]any{"limit": 2}
	for {
		answer := x.ask(n, method, append(append([]any{}, params...), page)...).(map[string]any)
		for _, item := range answer["items"].([]any) {
			var texts []string
			for _, m := range members {
				texts = append(texts, fmt.Sprint(item.(map[string]any)[m]))
			}
			out = append(out, strings.Join(texts, " "))
		}
		if answer["next"] == nil {
			return out
		}
		page["cursor"] = answer["next"]
	}
}

// tells checks what one node says.
func (x *tokenWorld) tells(n *node) {
	x.t.Helper()
	lower := func(a common.Address) string { return strings.ToLower(a.Hex()) }
	maker, friend, zero := lower(x.maker), lower(x.friend), lower(common.Address{})
	coin, deed, factory := crypto.CreateAddress(x.maker, 0), crypto.CreateAddress(x.maker, 1), crypto.CreateAddress(x.maker, 2)
	made, never := crypto.CreateAddress(factory, 1), crypto.CreateAddress(factory, 2)
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"tokens", x.items(n, []string{"address", "standard", "transfers", "holders"}, "index_tokens"), []string{
			lower(made) + " ERC20 0x1 0x1", lower(deed) + " ERC721 0x5 0x2", lower(coin) + " ERC20 0x4 0x2",
		}},
		{"holders of coins", x.items(n, []string{"address", "balance", "id"}, "index_tokenHolders", coin), []string{maker + " 0x2ee <nil>", friend + " 0xfa <nil>"}},
		{"holders of deeds", x.items(n, []string{"address", "balance", "id"}, "index_tokenHolders", deed), []string{maker + " 0x1 0x1", friend + " 0x1 0x2"}},
		{"what the friend has", x.items(n, []string{"standard", "balance", "id"}, "index_tokenBalances", x.friend), byToken(coin, deed, "ERC20 0xfa <nil>", "ERC721 0x1 0x2")},
		{"transfers of coins", x.items(n, []string{"from", "to", "value", "standard"}, "index_tokenTransfers", map[string]any{"token": coin}), []string{
			maker + " " + maker + " 0x1 ERC20", friend + " " + maker + " 0x32 ERC20", maker + " " + friend + " 0x12c ERC20", zero + " " + maker + " 0x3e8 ERC20",
		}},
		{"transfers of the friend", x.items(n, []string{"token", "id"}, "index_tokenTransfers", map[string]any{"address": x.friend}), []string{lower(deed) + " 0x2", lower(coin) + " <nil>", lower(coin) + " <nil>"}},
		{"deeds of the friend", x.items(n, []string{"from", "id"}, "index_tokenTransfers", map[string]any{"address": x.friend, "token": deed}), []string{maker + " 0x2"}},
		{"transactions of the maker", x.items(n, []string{"nonce", "status", "selector"}, "index_transactions", x.maker), []string{
			"0x8 0x0 0xa9cc4718", "0x7 0x1 0xc6dad082", "0x6 0x1 0x42966c68", "0x5 0x1 0x23b872dd", "0x4 0x1 0xa9059cbb", "0x3 0x1 0xa9059cbb", "0x2 0x1 0x", "0x1 0x1 0x", "0x0 0x1 0x",
		}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			x.t.Errorf("%s at %s (want, got):\n%s", c.what, n.Name, diff)
		}
	}
	x.creators(n, map[common.Address]string{coin: maker, made: lower(factory), never: "", x.maker: ""})
	if sum := x.ask(n, "index_token", deed).(map[string]any); sum["transfers"] != "0x5" {
		x.t.Errorf("index_token: %v", sum)
	}
	first := x.ask(n, "index_transactionBySenderAndNonce", x.maker, 7)
	if other := x.ask(n, "ots_getTransactionBySenderAndNonce", x.maker, 7); first == nil || first != other {
		x.t.Errorf("transaction 7 is %v, by ots_ %v", first, other)
	}
	found := x.ask(n, "ots_searchTransactionsBefore", x.friend, 0, 25).(map[string]any)
	if txs := found["txs"].([]any); len(txs) != 1 || found["firstPage"] != true || found["lastPage"] != true {
		x.t.Errorf("ots_searchTransactionsBefore finds %d transactions of the friend: %v", len(txs), found)
	}
}

// byToken orders two rows as the addresses of their tokens are.
func byToken(a, b common.Address, ofA, ofB string) []string {
	if a.Cmp(b) < 0 {
		return []string{ofA, ofB}
	}
	return []string{ofB, ofA}
}

func (x *tokenWorld) creators(n *node, want map[common.Address]string) {
	x.t.Helper()
	for contract, by := range want {
		own, ots := x.ask(n, "index_contractCreator", contract), x.ask(n, "ots_getContractCreator", contract)
		if by == "" {
			if own != nil || ots != nil {
				x.t.Errorf("creator of %v: %v and %v, want null", contract, own, ots)
			}
			continue
		}
		a, okA := own.(map[string]any)
		b, okB := ots.(map[string]any)
		if !okA || !okB || a["creator"] != by || b["creator"] != by || a["transactionHash"] != b["hash"] {
			x.t.Errorf("creator of %v: %v and %v, want %s", contract, own, ots, by)
		}
	}
}

// same checks that all nodes give the same answers, those of the load included.
func (x *tokenWorld) same(nodes []*node) {
	x.t.Helper()
	today := time.Now().UTC()
	from, to := today.AddDate(0, 0, -1).Format(time.DateOnly), today.Format(time.DateOnly)
	ask := func(n *node) map[string]any {
		out := map[string]any{"status": x.ask(n, "index_status"), "days": x.ask(n, "index_daily", from, to)}
		for i := range 10 {
			a := x.d.Accounts[i].Address
			out[fmt.Sprint("transactions ", i)] = x.items(n, []string{"hash", "blockNumber", "gasUsed", "timestamp"}, "index_transactions", a)
			out[fmt.Sprint("page ", i)] = x.ask(n, "ots_searchTransactionsAfter", a, 0, 25)
		}
		out["tokens"] = x.ask(n, "index_tokens")
		return out
	}
	var first map[string]any
	for i, n := range nodes {
		got := ask(n)
		if i == 0 {
			first = got
			continue
		}
		if diff := cmp.Diff(first, got); diff != "" {
			x.t.Errorf("%s and %s answer differently:\n%.2000s", nodes[0].Name, n.Name, diff)
		}
	}
	if txs := first["transactions 1"].([]string); len(txs) < 50 {
		x.t.Errorf("the load left %d transactions of account 1", len(txs))
	}
}
