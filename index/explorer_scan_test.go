package index_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
)

// failer is what a rapid test and a plain one have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// holding is what somebody has: token, id as text (empty without), balance.
type holding struct {
	token  common.Address
	holder common.Address
	id     string
}

// plainScan is what a reader of every block knows, in plain maps and big numbers.
type plainScan struct {
	places    map[common.Address][]index.Place // of transactions, ascending
	nonces    map[common.Address]map[uint64]common.Hash
	creators  map[common.Address]common.Hash
	gone      map[common.Address]common.Hash      // contracts that did not stay, by who made them last
	transfers map[[2]common.Address][]index.Place // by token and party, the zero address for any
	balances  map[holding]*big.Int
	tokens    map[common.Address]*index.Token
	order     []common.Address
	days      map[uint32]*index.Day
	all       map[common.Address]bool
}

var most = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))

func newScan(t *testing.T, c *chain.Chain, n *chaintest.Network) *plainScan {
	t.Helper()
	s := &plainScan{
		map[common.Address][]index.Place{},
		map[common.Address]map[uint64]common.Hash{},
		map[common.Address]common.Hash{},
		map[common.Address]common.Hash{},
		map[[2]common.Address][]index.Place{},
		map[holding]*big.Int{},
		map[common.Address]*index.Token{},
		nil,
		map[uint32]*index.Day{},
		map[common.Address]bool{},
	}
	made := map[common.Address]bool{}
	for number := uint64(1); number <= c.Head().Number.Uint64(); number++ {
		b, receipts := must[*types.Block](t)(c.Block(number)), must[types.Receipts](t)(c.Receipts(number))
		day := uint32(b.Time() / 86400)
		if s.days[day] == nil {
			s.days[day] = &index.Day{Day: day}
		}
		d := s.days[day]
		d.Blocks++
		ordinal := uint64(0)
		var fresh []common.Address
		for i, tx := range b.Transactions() {
			d.Transactions++
			d.GasUsed += receipts[i].GasUsed
			s.tx(t, c, tx, receipts[i], index.Place{Number: number, Index: uint64(i)}, d, made)
			for _, l := range receipts[i].Logs {
				if s.log(l, index.Place{Number: number, Index: ordinal}, d) {
					fresh = append(fresh, l.Address)
				}
				ordinal++
			}
		}
		slices.SortFunc(fresh, func(a, b common.Address) int { return a.Cmp(b) })
		s.order = append(s.order, fresh...)
	}
	return s
}

// tx notes a transaction. What a deployment has left is asked of the state; the
// factory's contracts are known by their addresses.
func (s *plainScan) tx(t *testing.T, c *chain.Chain, tx *types.Transaction, r *types.Receipt, at index.Place, d *index.Day, made map[common.Address]bool) {
	from := must[common.Address](t)(types.Sender(c.Signer(), tx))
	who := []common.Address{from}
	if s.nonces[from] == nil {
		s.nonces[from] = map[uint64]common.Hash{}
	}
	s.nonces[from][tx.Nonce()] = tx.Hash()
	switch {
	case tx.To() == nil && r.Status == 1:
		who = append(who, r.ContractAddress)
		if bytes.Equal(tx.Data(), common.FromHex("5fff")) { // destroyed itself
			s.gone[r.ContractAddress] = tx.Hash()
		} else {
			s.creators[r.ContractAddress] = tx.Hash()
			d.Contracts++
		}
	case tx.To() != nil:
		if *tx.To() != from {
			who = append(who, *tx.To())
		}
		if *tx.To() == factory && r.Status == 1 {
			if a := chaintest.Made(factory, common.Hash(tx.Data()[:32])); !made[a] {
				made[a] = true
				s.creators[a] = tx.Hash()
				d.Contracts++
			}
		}
		if *tx.To() == fickle && r.Status == 1 {
			s.flash(tx, d, made)
		}
	}
	for _, a := range who {
		s.places[a] = append(s.places[a], at)
		s.all[a] = true
	}
}

// flash notes a contract that stays or does not, unless it is there already.
func (s *plainScan) flash(tx *types.Transaction, d *index.Day, made map[common.Address]bool) {
	a := chaintest.Flashed(fickle, common.Hash(tx.Data()[:32]))
	s.all[a] = true
	switch {
	case made[a]:
	case tx.Value().Sign() == 0:
		s.gone[a] = tx.Hash()
	default:
		made[a] = true
		s.creators[a] = tx.Hash()
		d.Contracts++
	}
}

// log notes a log and reports whether it is the first of a token.
func (s *plainScan) log(l *types.Log, at index.Place, d *index.Day) (first bool) {
	standard, moves := plainly(l)
	if len(moves) == 0 {
		return false
	}
	t := s.tokens[l.Address]
	if t == nil {
		t = &index.Token{Address: l.Address, Standard: standard, First: at.Number}
		s.tokens[l.Address], first = t, true
	}
	t.Transfers += uint64(len(moves))
	d.Transfers += uint64(len(moves))
	parties := []common.Address{{}}
	for _, a := range []common.Address{moves[0].from, moves[0].to} {
		if a != (common.Address{}) && !slices.Contains(parties, a) {
			parties = append(parties, a)
		}
		s.all[a] = true
	}
	for _, a := range parties {
		s.transfers[[2]common.Address{l.Address, a}] = append(s.transfers[[2]common.Address{l.Address, a}], at)
		if a != (common.Address{}) {
			s.transfers[[2]common.Address{{}, a}] = append(s.transfers[[2]common.Address{{}, a}], at)
		}
	}
	for _, m := range moves {
		if standard == t.Standard && m.from != m.to {
			s.move(l.Address, standard, m)
		}
	}
	return first
}

func (s *plainScan) move(token common.Address, standard index.Standard, m move) {
	id := ""
	if standard != index.ERC20 {
		id = m.id.String()
	}
	at := func(a common.Address) (holding, *big.Int) {
		h := holding{token, a, id}
		if s.balances[h] == nil {
			return h, new(big.Int)
		}
		return h, s.balances[h]
	}
	if m.from != (common.Address{}) {
		h, v := at(m.from)
		v = new(big.Int).Sub(v, m.value)
		if v.Sign() <= 0 {
			delete(s.balances, h)
		} else {
			s.balances[h] = v
		}
	}
	if m.to != (common.Address{}) && m.value.Sign() > 0 {
		h, v := at(m.to)
		v = new(big.Int).Add(v, m.value)
		if v.Cmp(most) > 0 {
			v = most
		}
		if standard == index.ERC721 {
			v = big.NewInt(1)
		}
		s.balances[h] = v
	}
}

type move struct {
	from, to  common.Address
	id, value *big.Int
}

// plainly decodes the events once more, in another way: by slices of words.
func plainly(l *types.Log) (index.Standard, []move) {
	words := make([]*big.Int, len(l.Data)/32)
	for i := range words {
		words[i] = new(big.Int).SetBytes(l.Data[32*i : 32*i+32])
	}
	address := func(h common.Hash) (common.Address, bool) {
		return common.BytesToAddress(h[:]), new(big.Int).SetBytes(h[:]).BitLen() <= 160
	}
	parties := func(i int) (m move, ok bool) {
		a, okA := address(l.Topics[i])
		b, okB := address(l.Topics[i+1])
		return move{from: a, to: b}, okA && okB
	}
	switch {
	case len(l.Topics) == 3 && l.Topics[0] == transferTopic && len(l.Data) == 32:
		if m, ok := parties(1); ok {
			m.value = words[0]
			return index.ERC20, []move{m}
		}
	case len(l.Topics) == 4 && l.Topics[0] == transferTopic && len(l.Data) == 0:
		if m, ok := parties(1); ok {
			m.id, m.value = l.Topics[3].Big(), big.NewInt(1)
			return index.ERC721, []move{m}
		}
	case len(l.Topics) == 4 && l.Topics[0] == singleTopic && len(l.Data) == 64:
		if m, ok := parties(2); ok {
			m.id, m.value = words[0], words[1]
			return index.ERC1155, []move{m}
		}
	case len(l.Topics) == 4 && l.Topics[0] == batchTopic && len(words) >= 4:
		m, ok := parties(2)
		list := func(offset *big.Int) []*big.Int {
			if !offset.IsUint64() || offset.Uint64()%32 != 0 || offset.Uint64()/32 >= uint64(len(words)) {
				ok = false
				return nil
			}
			rest := words[offset.Uint64()/32:]
			if !rest[0].IsUint64() || rest[0].Uint64() > uint64(len(rest)-1) {
				ok = false
				return nil
			}
			return rest[1 : 1+rest[0].Uint64()]
		}
		ids, values := list(words[0]), list(words[1])
		if !ok || len(ids) != len(values) {
			return 0, nil
		}
		var out []move
		for i := range ids {
			m.id, m.value = ids[i], values[i]
			out = append(out, m)
		}
		return index.ERC1155, out
	}
	return 0, nil
}

// reversed returns the places newest first.
func reversed(in []index.Place) []index.Place {
	out := slices.Clone(in)
	slices.Reverse(out)
	return out
}

// compare asks the indexes everything that the scan knows, in small pages.
func (s *plainScan) compare(r failer, t *testing.T, x *explorer) {
	r.Helper()
	head := x.Chain.Head().Number.Uint64()
	s.all[common.Address{0xee}] = true // nobody
	for a := range s.all {
		s.compareAddress(r, t, x, a, head)
	}
	if len(s.order) > 0 || len(must[[]index.Token](t)(first2(x.tokens.List(nil, 100)))) > 0 {
		s.compareTokens(r, t, x)
	}
	for day, want := range s.days {
		got := must[[]index.Day](t)(x.tokens.Days(day, day))
		if len(got) != 1 || got[0] != *want {
			r.Fatalf("day %d is %+v, want %+v", day, got, want)
		}
	}
	zero := common.Address{}
	for key, want := range s.transfers {
		token, party := &key[0], &key[1]
		if key[0] == zero {
			token = nil
		}
		if key[1] == zero {
			party = nil
		}
		if got := allTransfers(t, x, token, party, head); !slices.Equal(got, reversed(want)) {
			r.Fatalf("transfers of token %v and address %v: %v, want %v", token, party, got, reversed(want))
		}
	}
}

func first2[T any](v T, _ []byte, err error) (T, error) { return v, err }

func allTransfers(t *testing.T, x *explorer, token, party *common.Address, head uint64) (out []index.Place) {
	t.Helper()
	fatal(t, x.tokens.Transfers(ctx, token, party, index.Newest, head, func(p index.Place) (bool, error) {
		out = append(out, p)
		return true, nil
	}))
	return out
}

func (s *plainScan) compareAddress(r failer, t *testing.T, x *explorer, a common.Address, head uint64) {
	r.Helper()
	want := reversed(s.places[a])
	var got []index.Place
	for below, more := index.Newest, true; more; {
		var page []index.Place
		var err error
		page, more, err = x.addresses.Transactions(a, below, head, 2)
		fatal(t, err)
		got = append(got, page...)
		if len(page) > 0 {
			below = page[len(page)-1]
		}
	}
	if !slices.Equal(got, want) {
		r.Fatalf("transactions of %v: %v, want %v", a, got, want)
	}
	s.compareRising(r, t, x, a, head)
	for block := uint64(0); block <= head+1; block++ {
		s.compareBlocks(r, t, x, a, block, head)
	}
	last := uint64(len(s.nonces[a]) + 1)
	for nonce := uint64(0); nonce <= last; nonce += 1 + last/100 {
		var hash common.Hash
		for _, p := range must[[]index.Place](t)(x.addresses.BySenderAndNonce(a, nonce, head)) {
			if tx := must[*types.Block](t)(x.Chain.Block(p.Number)).Transactions()[p.Index]; tx.Nonce() == nonce {
				hash = tx.Hash()
			}
		}
		if hash != s.nonces[a][nonce] {
			r.Fatalf("transaction %d of %v is %v, want %v", nonce, a, hash, s.nonces[a][nonce])
		}
	}
	s.compareOrigin(r, t, x, a, head)
}

func (s *plainScan) compareOrigin(r failer, t *testing.T, x *explorer, a common.Address, head uint64) {
	r.Helper()
	want, stays := s.creators[a]
	if !stays {
		want = s.gone[a]
	}
	o, ok, err := x.addresses.Creator(a, head)
	fatal(t, err)
	if ok != (want != common.Hash{}) {
		r.Fatalf("origin of %v: %+v %v, want %v", a, o, ok, want)
	}
	if !ok {
		return
	}
	var by common.Address
	tx := must[*types.Block](t)(x.Chain.Block(o.At.Number)).Transactions()[o.At.Index]
	if tx.To() != nil {
		by = *tx.To()
	}
	if tx.Hash() != want || o.Destroyed == stays || o.Creator != by {
		r.Fatalf("origin of %v: %+v, transaction %v, want %v by %v, there: %v", a, o, tx.Hash(), want, by, stays)
	}
}

// compareRising reads the list from its other end, and counts it.
func (s *plainScan) compareRising(r failer, t *testing.T, x *explorer, a common.Address, head uint64) {
	r.Helper()
	var got []index.Place
	for above, more := (index.Place{}), true; more; {
		var page []index.Place
		var err error
		page, more, err = x.addresses.TransactionsAfter(a, above, head, 2)
		fatal(t, err)
		got = append(got, page...)
		if len(page) > 0 {
			above = page[len(page)-1]
		}
	}
	if !slices.Equal(got, s.places[a]) {
		r.Fatalf("transactions of %v, oldest first: %v, want %v", a, got, s.places[a])
	}
	if n, exact, err := x.addresses.Count(a, head); n != uint64(len(got)) || !exact || err != nil {
		r.Fatalf("%v has %d transactions, exact %v, %v; want %d", a, n, exact, err, len(got))
	}
}

// compareBlocks asks for whole blocks in both directions.
func (s *plainScan) compareBlocks(r failer, t *testing.T, x *explorer, a common.Address, block, head uint64) {
	r.Helper()
	for _, rising := range []bool{false, true} {
		places, ask := reversed(s.places[a]), x.addresses.Before
		if rising {
			places, ask = s.places[a], x.addresses.After
		}
		var want []index.Place
		wantMore := false
		for _, p := range places {
			if rising && p.Number <= block || !rising && p.Number >= block {
				continue
			}
			if len(want) >= 2 && want[len(want)-1].Number != p.Number {
				wantMore = true
				break
			}
			want = append(want, p)
		}
		got, more, err := ask(a, block, head, 2)
		fatal(t, err)
		if !slices.Equal(got, want) || more != wantMore {
			r.Fatalf("transactions of %v from block %d, rising %v: %v %v, want %v %v", a, block, rising, got, more, want, wantMore)
		}
	}
}

func (s *plainScan) compareTokens(r failer, t *testing.T, x *explorer) {
	r.Helper()
	holders := map[[2]common.Address]bool{}
	for h := range s.balances {
		holders[[2]common.Address{h.token, h.holder}] = true
	}
	for k := range holders {
		s.tokens[k[0]].Holders++
	}
	var order []common.Address
	for at, more := []byte(nil), true; more; more = at != nil {
		list, next, err := x.tokens.List(at, 2)
		fatal(t, err)
		at = next
		for i := range list {
			if want := s.tokens[list[i].Address]; want == nil || *want != list[i] {
				r.Fatalf("token %+v, want %+v", list[i], want)
			}
			order = append(order, list[i].Address)
		}
	}
	slices.Reverse(order)
	if !slices.Equal(order, s.order) {
		r.Fatalf("tokens %v, want %v", order, s.order)
	}
	byHolder := map[holding]string{}
	for a := range s.all {
		for at, more := []byte(nil), true; more; more = at != nil {
			list, next, err := x.tokens.Balances(a, at, 2)
			fatal(t, err)
			at = next
			for i := range list {
				byHolder[holding{list[i].Token.Address, a, idText(list[i].ID)}] = list[i].Balance.Dec()
			}
		}
	}
	byToken := map[holding]string{}
	for _, token := range order {
		s.holders(r, t, x, token, byToken)
	}
	want := map[holding]string{}
	for h, v := range s.balances {
		want[h] = v.String()
	}
	for name, got := range map[string]map[holding]string{"address": byHolder, "token": byToken} {
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(holding{})); diff != "" {
			r.Fatalf("balances by %s (scan, index):\n%s", name, diff)
		}
	}
}

// holders reads those of one token and checks their order.
func (s *plainScan) holders(r failer, t *testing.T, x *explorer, token common.Address, out map[holding]string) {
	r.Helper()
	var last *index.Balance
	for at, more := []byte(nil), true; more; more = at != nil {
		list, next, err := x.tokens.Holders(token, at, 2)
		fatal(t, err)
		at = next
		for i := range list {
			h := &list[i]
			out[holding{token, h.Holder, idText(h.ID)}] = h.Balance.Dec()
			if last != nil && (h.ID == nil && h.Balance.Gt(&last.Balance) || h.ID != nil && h.ID.Lt(last.ID)) {
				r.Fatalf("holders of %v are not in order: %v", token, fmt.Sprint(h, last))
			}
			last = h
		}
	}
}

func idText(id *uint256.Int) string {
	if id == nil {
		return ""
	}
	return id.Dec()
}
