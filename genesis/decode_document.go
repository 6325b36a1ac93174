package genesis

import (
	"encoding/json"
	"math/big"
	"reflect"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
)

// genesis reads the whole document over the defaults.
func (d *decoder) genesis(n *node) *Genesis {
	g := Default()
	d.lines[""] = n.line
	d.object(n, "",
		field{"chainId", true, d.uint(&g.ChainID)},
		field{"timestamp", false, d.uint(&g.Timestamp)},
		field{"forks", false, func(n *node, path string) {
			d.object(n, path, field{"osaka", false, d.uint(&g.Forks.Osaka)})
		}},
		field{"parameters", false, func(n *node, path string) { d.params(n, path, &g.Params) }},
		field{"permissions", false, func(n *node, path string) { d.permissions(n, path, &g.Permissions) }},
		field{"governance", false, func(n *node, path string) { d.uints(n, path, &g.Governance) }},
		field{"recovery", false, func(n *node, path string) { d.recovery(n, path, &g.Recovery) }},
		field{"validators", true, func(n *node, path string) {
			d.list(n, path, func(n *node, path string) {
				g.Validators = append(g.Validators, d.validator(n, path))
			})
		}},
		field{"alloc", false, func(n *node, path string) { d.alloc(n, path, g.Alloc) }},
	)
	return g
}

func (d *decoder) validator(n *node, path string) Validator {
	var v Validator
	d.object(n, path,
		field{"address", true, d.checksummed(&v.Address)},
		field{"nodeId", true, d.text(&v.NodeID)},
		field{"name", false, d.text(&v.Name)},
		field{"addresses", false, d.texts(&v.Addresses)},
		field{"proof", true, d.hex(&v.Proof)},
	)
	return v
}

func (d *decoder) permissions(n *node, path string, p *Permissions) {
	d.object(n, path,
		field{"observers", false, func(n *node, path string) {
			d.list(n, path, func(n *node, path string) {
				p.Observers = append(p.Observers, d.observer(n, path))
			})
		}},
		field{"senders", false, d.text(&p.Senders)},
		field{"deployers", false, d.text(&p.Deployers)},
		field{"roles", false, func(n *node, path string) { d.roles(n, path, &p.Roles) }},
	)
}

func (d *decoder) roles(n *node, path string, r *Roles) {
	list := func(to *RoleList) func(*node, string) {
		return func(n *node, path string) { d.roleList(n, path, to) }
	}
	d.object(n, path,
		field{"senders", false, list(&r.Senders)},
		field{"deployers", false, list(&r.Deployers)},
		field{"observers", false, list(&r.Observers)},
	)
}

func (d *decoder) roleList(n *node, path string, l *RoleList) {
	d.object(n, path,
		field{"admins", false, d.addresses(&l.Admins)},
		field{"managers", false, d.addresses(&l.Managers)},
		field{"enabled", false, d.addresses(&l.Enabled)},
	)
}

// addresses reads a list of addresses into to.
func (d *decoder) addresses(to *[]common.Address) func(*node, string) {
	return func(n *node, path string) {
		d.list(n, path, func(n *node, path string) {
			var a common.Address
			d.checksummed(&a)(n, path)
			*to = append(*to, a)
		})
	}
}

func (d *decoder) observer(n *node, path string) Observer {
	var o Observer
	d.object(n, path,
		field{"nodeId", true, d.text(&o.NodeID)},
		field{"name", false, d.text(&o.Name)},
		field{"addresses", false, d.texts(&o.Addresses)},
	)
	return o
}

// params reads the protocol parameters.
func (d *decoder) params(n *node, path string, p *consensus.Params) { d.uints(n, path, p) }

// uints reads numbers by the JSON names of a struct, all of whose fields are
// uint64.
func (d *decoder) uints(n *node, path string, to any) {
	v := reflect.ValueOf(to).Elem()
	fields := make([]field, v.NumField())
	for i := range fields {
		to := v.Field(i).Addr().Interface().(*uint64)
		fields[i] = field{v.Type().Field(i).Tag.Get("json"), false, d.uint(to)}
	}
	d.object(n, path, fields...)
}

// alloc reads accounts. The keys are addresses, with a right checksum or all in
// lower case, as other tools write them.
func (d *decoder) alloc(n *node, path string, to types.GenesisAlloc) {
	if !n.isObject() {
		d.problems.add(path, "is %s, an object from address to account is expected", n.kind())
		return
	}
	seen := make(map[common.Address]int, len(n.members))
	for _, m := range n.members {
		at := join(path, m.key)
		d.lines[at] = m.line
		addr, err := parseAddress(m.key, false)
		if err != nil {
			d.problems.add(at, "%v", err)
			continue
		}
		if c, ok := contracts.At(addr); ok {
			d.problems.add(at, "is the system contract of the %s, which follows from the rest of the document: leave it out", c.Name)
			continue
		}
		if first, twice := seen[addr]; twice {
			d.problems.add(at, "the account stands twice, first at line %d", first)
			continue
		}
		seen[addr] = m.line
		// Problems and checks use the checksummed form.
		canonical := join(path, addr.Hex())
		d.lines[canonical] = m.line
		to[addr] = d.account(m.node, canonical)
	}
}

func (d *decoder) account(n *node, path string) types.Account {
	a := types.Account{Balance: new(big.Int)}
	d.object(n, path,
		field{"balance", false, d.balance(&a.Balance)},
		field{"nonce", false, d.nonce(&a.Nonce)},
		field{"code", false, d.hex(&a.Code)},
		field{"storage", false, func(n *node, path string) { a.Storage = d.storage(n, path) }},
	)
	return a
}

// nonce reads a JSON integer, or a 0x string as other tools write it.
func (d *decoder) nonce(to *uint64) func(*node, string) {
	return func(n *node, path string) {
		s, ok := n.value.(string)
		if !ok {
			d.uint(to)(n, path)
			return
		}
		x, err := hexutil.DecodeUint64(s)
		if err != nil {
			d.problems.add(path, "%q is no nonce: a whole number or a 0x quantity is expected", shorten(s))
			return
		}
		*to = x
	}
}

func (d *decoder) storage(n *node, path string) map[common.Hash]common.Hash {
	if !n.isObject() {
		d.problems.add(path, "is %s, an object from slot to value is expected", n.kind())
		return nil
	}
	out := make(map[common.Hash]common.Hash, len(n.members))
	for _, m := range n.members {
		at := join(path, m.key)
		d.lines[at] = m.line
		slot, err := parseWord(m.key)
		if err != nil {
			d.problems.add(at, "slot: %v", err)
			continue
		}
		if _, twice := out[slot]; twice {
			d.problems.add(at, "the slot stands twice")
			continue
		}
		var s string
		d.text(&s)(m.node, at)
		value, err := parseWord(s)
		if err != nil {
			if !d.problems.has(at) {
				d.problems.add(at, "value: %v", err)
			}
			continue
		}
		out[slot] = value
	}
	return out
}

// accountDoc and the others below are the shapes that Encode writes.
type (
	accountDoc struct {
		Balance string                      `json:"balance"`
		Nonce   uint64                      `json:"nonce"`
		Code    hexutil.Bytes               `json:"code,omitempty"`
		Storage map[common.Hash]common.Hash `json:"storage,omitempty"`
	}
	validatorDoc struct {
		Address   string        `json:"address"`
		NodeID    string        `json:"nodeId"`
		Name      string        `json:"name,omitempty"`
		Addresses []string      `json:"addresses,omitempty"`
		Proof     hexutil.Bytes `json:"proof"`
	}
	observerDoc struct {
		NodeID    string   `json:"nodeId"`
		Name      string   `json:"name,omitempty"`
		Addresses []string `json:"addresses,omitempty"`
	}
	roleListDoc struct {
		Admins   []string `json:"admins"`
		Managers []string `json:"managers"`
		Enabled  []string `json:"enabled"`
	}
	rolesDoc struct {
		Senders   roleListDoc `json:"senders"`
		Deployers roleListDoc `json:"deployers"`
		Observers roleListDoc `json:"observers"`
	}
	permissionsDoc struct {
		Observers []observerDoc `json:"observers"`
		Senders   string        `json:"senders"`
		Deployers string        `json:"deployers"`
		Roles     rolesDoc      `json:"roles"`
	}
	genesisDoc struct {
		ChainID     uint64           `json:"chainId"`
		Timestamp   uint64           `json:"timestamp"`
		Forks       Forks            `json:"forks"`
		Parameters  consensus.Params `json:"parameters"`
		Permissions permissionsDoc   `json:"permissions"`
		Governance  Governance       `json:"governance"`
		Recovery    *recoveryDoc     `json:"recovery,omitempty"`
		Validators  []validatorDoc   `json:"validators"`
		Alloc       json.RawMessage  `json:"alloc"`
	}
)
