package govern

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
)

// pageOfAccounts is how many accounts are read at once.
const pageOfAccounts = 1000

// Account is an account on a list.
type Account struct {
	Address common.Address `json:"address"`
	Role    string         `json:"role"`
	Frozen  bool           `json:"frozen"`
	Allowed bool           `json:"allowed"` // to do what the list is about, now
}

// Node is an observer's node that may connect.
type Node struct {
	NodeID string         `json:"nodeId"`
	Name   string         `json:"name"`
	By     common.Address `json:"by"` // who let it in; zero: genesis
}

// List is what one contract of permissions says.
type List struct {
	Name     string    `json:"name"`
	Closed   bool      `json:"closed"`
	Accounts []Account `json:"accounts"` // with a role, or frozen
	Nodes    []Node    `json:"nodes,omitempty"`
}

// Lists returns the contracts with roles.
func Lists() []contracts.Contract {
	return []contracts.Contract{contracts.Senders, contracts.Deployers, contracts.Observers}
}

// ListNamed returns the contract of senders, deployers or observers.
func ListNamed(name string) (contracts.Contract, error) {
	var names []string
	for _, c := range Lists() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return contracts.Contract{}, fmt.Errorf("%q is none of %s", name, strings.Join(names, ", "))
}

// observes reports whether a list is that of nodes without a vote, which is always
// closed: it has nodes, and accounts that let them in.
func observes(c contracts.Contract) bool { return c.Address == contracts.Observers.Address }

// List reads one list.
func (v *View) List(ctx context.Context, c contracts.Contract) (l *List, err error) {
	l = &List{Name: c.Name, Closed: true, Accounts: []Account{}}
	if !observes(c) {
		if l.Closed, err = one[bool](ctx, v, c, "isClosed"); err != nil {
			return nil, err
		}
	}
	for from := int64(0); ; from += pageOfAccounts {
		page, err := one[[]common.Address](ctx, v, c, "accounts", big.NewInt(from), big.NewInt(pageOfAccounts))
		if err != nil {
			return nil, err
		}
		for _, a := range page {
			account, err := v.Account(ctx, c, a)
			if err != nil {
				return nil, err
			}
			l.Accounts = append(l.Accounts, *account)
		}
		if len(page) < pageOfAccounts {
			break
		}
	}
	slices.SortFunc(l.Accounts, func(a, b Account) int { return a.Address.Cmp(b.Address) })
	if observes(c) {
		l.Nodes, err = v.nodes(ctx)
	}
	return l, err
}

// Account reads one account of a list.
func (v *View) Account(ctx context.Context, c contracts.Contract, a common.Address) (*Account, error) {
	role, err := one[*big.Int](ctx, v, c, "readAllowList", a)
	if err != nil {
		return nil, err
	}
	out := &Account{Address: a, Role: registry.Role(role.Uint64()).String()}
	if out.Frozen, err = one[bool](ctx, v, c, "isFrozen", a); err != nil {
		return nil, err
	}
	if observes(c) {
		out.Allowed = !out.Frozen && role.Sign() > 0
		return out, nil
	}
	out.Allowed, err = one[bool](ctx, v, c, "isAllowed", a)
	return out, err
}

func (v *View) nodes(ctx context.Context) ([]Node, error) {
	type answer struct {
		Place  uint64
		By     common.Address
		NodeId []byte //nolint:revive // the contract's name
		Name   string
	}
	list, err := one[[]answer](ctx, v, contracts.Observers, "nodes")
	if err != nil {
		return nil, err
	}
	out := []Node{}
	for _, n := range list {
		out = append(out, Node{genesis.NodeIDString(n.NodeId), n.Name, n.By})
	}
	slices.SortFunc(out, func(a, b Node) int { return strings.Compare(a.NodeID, b.NodeID) })
	return out, nil
}

// SetAccount returns the call that gives an account of a list a role (none, enabled,
// manager, admin), freezes it (frozen) or lets it go (unfrozen).
func SetAccount(c contracts.Contract, a common.Address, value string) (Call, error) {
	switch value {
	case "frozen", "unfrozen":
		return Call{c, "setFrozen", []any{a, value == "frozen"}}, nil
	}
	methods := map[string]string{"none": "setNone", "enabled": "setEnabled", "manager": "setManager", "admin": "setAdmin"}
	method, ok := methods[value]
	if !ok {
		return Call{}, fmt.Errorf("%q is none of none, enabled, manager, admin, frozen, unfrozen", value)
	}
	return Call{c, method, []any{a}}, nil
}

// SetClosed returns the call that closes a list, or opens it. Only a vote can.
func SetClosed(c contracts.Contract, value string) (Call, error) {
	switch {
	case observes(c):
		return Call{}, fmt.Errorf("the list of %s is always closed: no stranger may connect", c.Name)
	case value != "open" && value != "closed":
		return Call{}, fmt.Errorf("%q is neither open nor closed", value)
	}
	return Call{c, "setClosed", []any{value == "closed"}}, nil
}
