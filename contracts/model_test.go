package contracts_test

import (
	"errors"
	"maps"
	"slices"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
)

// model is what the contracts should say, by names of actors and nodes. Errors are
// names of the contracts' errors. It is written from their documentation, with maps
// instead of places.
type model struct {
	now        uint64
	rules      genesis.Governance
	members    map[string]memberModel
	candidates map[string]candidateModel
	owners     map[string]string // node → member or candidate
	lists      map[string]map[string]registry.AccountRole
	closed     map[string]bool
	nodes      map[string]nodeModel
	values     map[string]uint64
	forks      map[string]uint64
	versions   map[string]uint64
	proposals  map[string][]proposalModel
}

type memberModel struct{ node, name, endpoint string }

type candidateModel struct {
	node, name, replaces string
	until                uint64
}

type nodeModel struct{ name, by string }

type proposalModel struct {
	proposer              string
	expires               uint64
	status                registry.ProposalStatus
	action                action
	approvals, objections []string
}

// action is a change that a vote or an account makes.
type action struct {
	c      contracts.Contract
	method string
	args   []any
	do     func(m *model, sender string) error
}

func newModel(rules genesis.Governance, validators ...string) *model {
	m := &model{
		rules: rules, members: map[string]memberModel{}, candidates: map[string]candidateModel{}, owners: map[string]string{},
		lists:  map[string]map[string]registry.AccountRole{"senders": {}, "deployers": {}, "observers": {}},
		closed: map[string]bool{}, nodes: map[string]nodeModel{}, forks: map[string]uint64{}, versions: map[string]uint64{},
		proposals: map[string][]proposalModel{}, values: map[string]uint64{},
	}
	p := consensus.DefaultParams()
	m.values[contracts.EpochLength], m.values[contracts.PrimarySpan] = p.EpochLength, p.PrimarySpan
	m.values[contracts.BlockGasLimit], m.values[contracts.MinGasPrice] = p.BlockGasLimit, p.MinGasPrice
	m.values[contracts.TransactionGasCap] = consensus.TransactionGasCap
	for _, v := range validators {
		m.members[v] = memberModel{node: v}
		m.owners[v] = v
	}
	return m
}

func (m *model) clone() *model {
	out := *m
	out.members, out.candidates, out.owners = maps.Clone(m.members), maps.Clone(m.candidates), maps.Clone(m.owners)
	out.closed, out.nodes, out.values = maps.Clone(m.closed), maps.Clone(m.nodes), maps.Clone(m.values)
	out.forks, out.versions = maps.Clone(m.forks), maps.Clone(m.versions)
	out.lists, out.proposals = map[string]map[string]registry.AccountRole{}, map[string][]proposalModel{}
	for k, v := range m.lists {
		out.lists[k] = maps.Clone(v)
	}
	for k, v := range m.proposals {
		for _, p := range v {
			p.approvals, p.objections = slices.Clone(p.approvals), slices.Clone(p.objections)
			out.proposals[k] = append(out.proposals[k], p)
		}
	}
	return &out
}

// try makes a change whole or not at all.
func (m *model) try(change func(m *model) error) error {
	c := m.clone()
	if err := change(c); err != nil {
		return err
	}
	*m = *c
	return nil
}

func (m *model) propose(who string, a action) error {
	if _, ok := m.members[who]; !ok {
		return errors.New("NotAMember")
	}
	open := 0
	for _, p := range m.proposals[a.c.Name] {
		if p.proposer == who && p.status == registry.ProposalOpen {
			open++
		}
	}
	if open == contracts.MaxOpen {
		return errors.New("TooManyOpen")
	}
	if err := a.do(m.clone(), a.c.Name); err != nil {
		return err
	}
	p := proposalModel{proposer: who, expires: m.now + m.rules.ProposalSeconds, status: registry.ProposalOpen, action: a, approvals: []string{who}}
	m.proposals[a.c.Name] = append(m.proposals[a.c.Name], p)
	return m.count(a.c, len(m.proposals[a.c.Name]))
}

// open returns a proposal that is, by its id.
func (m *model) open(c contracts.Contract, id int) (*proposalModel, error) {
	if id < 1 || id > len(m.proposals[c.Name]) || m.proposals[c.Name][id-1].status != registry.ProposalOpen {
		return nil, errors.New("NotOpen")
	}
	return &m.proposals[c.Name][id-1], nil
}

func (m *model) tally(c contracts.Contract, id int) error {
	p, err := m.open(c, id)
	if err == nil && m.now > p.expires {
		err = errors.New("TooLate")
	}
	if err != nil {
		return err
	}
	return m.count(c, id)
}

func (m *model) vote(who string, c contracts.Contract, id int, approve bool) error {
	if _, ok := m.members[who]; !ok {
		return errors.New("NotAMember")
	}
	p, err := m.open(c, id)
	switch {
	case err != nil:
		return err
	case m.now > p.expires:
		return errors.New("TooLate")
	case slices.Contains(p.approvals, who) || slices.Contains(p.objections, who):
		return errors.New("VotedAlready")
	case approve:
		p.approvals = append(p.approvals, who)
	default:
		p.objections = append(p.objections, who)
	}
	return m.count(c, id)
}

func (m *model) count(c contracts.Contract, id int) error {
	p := &m.proposals[c.Name][id-1]
	count := func(names []string) (n uint64) {
		for _, name := range names {
			if _, ok := m.members[name]; ok {
				n++
			}
		}
		return n
	}
	n, yes, no := uint64(len(m.members)), count(p.approvals), count(p.objections)
	switch {
	case yes*100 > n*m.rules.ApprovalPercent && (yes+no)*100 >= n*m.rules.TurnoutPercent:
		p.status = registry.ProposalPassed
		return p.action.do(m, c.Name)
	case (n-no)*100 <= n*m.rules.ApprovalPercent:
		p.status = registry.ProposalRejected
	}
	return nil
}

func (m *model) withdraw(who string, c contracts.Contract, id int) error {
	p, err := m.open(c, id)
	if err == nil && p.proposer != who {
		err = errors.New("NotTheProposer")
	}
	if err == nil {
		p.status = registry.ProposalWithdrawn
	}
	return err
}

func (m *model) expire(c contracts.Contract, id int) error {
	p, err := m.open(c, id)
	if err == nil && m.now <= p.expires {
		err = errors.New("NotExpired")
	}
	if err == nil {
		p.status = registry.ProposalExpired
	}
	return err
}

// candidate makes one of a validator with a node; replaces is "" for a new member.
func (m *model) candidate(validator, node, name, replaces string) error {
	if _, ok := m.members[validator]; ok {
		return errors.New("MemberAlready")
	}
	m.dropExpired(validator)
	if _, ok := m.candidates[validator]; ok {
		return errors.New("CandidateAlready")
	}
	m.dropExpired(m.owners[node])
	switch owner := m.owners[node]; {
	case owner == "":
		m.owners[node] = validator
	case owner != replaces:
		return errors.New("NodeIdTaken")
	}
	m.candidates[validator] = candidateModel{node, name, replaces, m.now + m.rules.ProposalSeconds}
	return nil
}

// dropCandidate is what anybody may do with one whose time is over.
func (m *model) dropCandidate(validator string) error {
	c, ok := m.candidates[validator]
	switch {
	case !ok:
		return errors.New("NotACandidate")
	case m.now <= c.until:
		return errors.New("CandidateNotExpired")
	}
	m.drop(validator)
	return nil
}

func (m *model) dropExpired(validator string) {
	if c, ok := m.candidates[validator]; ok && m.now > c.until {
		m.drop(validator)
	}
}

func (m *model) drop(validator string) {
	m.release(m.candidates[validator].node, validator)
	delete(m.candidates, validator)
}

func (m *model) release(node, validator string) {
	if m.owners[node] == validator {
		delete(m.owners, node)
	}
}

func (m *model) remove(validator string) error {
	if _, ok := m.members[validator]; !ok {
		if _, ok := m.candidates[validator]; !ok {
			return errors.New("Unknown")
		}
		m.drop(validator)
		return nil
	}
	if len(m.members) == 1 {
		return errors.New("LastMember")
	}
	m.release(m.members[validator].node, validator)
	delete(m.members, validator)
	m.versions["validators"]++
	return nil
}

func (m *model) resign(who string) error {
	if _, ok := m.members[who]; !ok {
		return errors.New("NotAMember")
	}
	return m.remove(who)
}

func (m *model) describe(who, name, endpoint string) error {
	v, ok := m.members[who]
	if !ok {
		return errors.New("NotAMember")
	}
	v.name, v.endpoint = name, endpoint
	m.members[who] = v
	return nil
}

func (m *model) attest(who string) error {
	c, ok := m.candidates[who]
	switch {
	case !ok:
		return errors.New("NotACandidate")
	case m.now > c.until:
		return errors.New("CandidateExpired")
	}
	v := memberModel{c.node, c.name, ""}
	if c.replaces != "" {
		old, ok := m.members[c.replaces]
		if !ok {
			return errors.New("Unknown")
		}
		v.name, v.endpoint = old.name, old.endpoint
	}
	delete(m.candidates, who)
	m.members[who] = v
	m.versions["validators"]++
	if c.replaces != "" {
		if err := m.remove(c.replaces); err != nil {
			return err
		}
		m.owners[c.node] = who
	}
	return nil
}

// role is the one that counts for what a sender does in a list.
func (m *model) role(list, sender string) registry.Role {
	e := m.lists[list][sender]
	switch {
	case sender == list: // the members' vote
		return registry.RoleAdmin
	case e.Frozen:
		return registry.RoleNone
	}
	return e.Role
}

func (m *model) setRole(list, sender, account string, role registry.Role) error {
	own, e := m.role(list, sender), m.lists[list][account]
	if own != registry.RoleAdmin && (own != registry.RoleManager || e.Role > registry.RoleEnabled || role > registry.RoleEnabled) {
		return errors.New("NotAllowed")
	}
	e.Role = role
	m.enter(list, account, e)
	return nil
}

func (m *model) setFrozen(list, sender, account string, frozen bool) error {
	if m.role(list, sender) != registry.RoleAdmin {
		return errors.New("NotAnAdmin")
	}
	e := m.lists[list][account]
	e.Frozen = frozen
	m.enter(list, account, e)
	return nil
}

func (m *model) enter(list, account string, e registry.AccountRole) {
	m.lists[list][account] = e
	if e.Role == registry.RoleNone && !e.Frozen {
		delete(m.lists[list], account)
	}
}

func (m *model) addNode(sender, node, name string) error {
	if m.role("observers", sender) == registry.RoleNone {
		return errors.New("NotEnabled")
	}
	if _, ok := m.nodes[node]; ok {
		return errors.New("NodeAlready")
	}
	m.nodes[node] = nodeModel{name, sender}
	m.versions["observers"]++
	return nil
}

func (m *model) removeNode(sender, node string) error {
	role := m.role("observers", sender)
	n, ok := m.nodes[node]
	switch {
	case role == registry.RoleNone:
		return errors.New("NotEnabled")
	case !ok:
		return errors.New("UnknownNode")
	case role == registry.RoleEnabled && n.by != sender:
		return errors.New("NotYours")
	}
	delete(m.nodes, node)
	m.versions["observers"]++
	return nil
}

func (m *model) setFork(name string, time uint64) error {
	switch was := m.forks[name]; {
	case was != 0 && was <= m.now:
		return errors.New("ForkActive")
	case time != 0 && time <= m.now:
		return errors.New("ForkInThePast")
	}
	m.forks[name] = time
	if time == 0 {
		delete(m.forks, name)
	}
	m.versions["parameters"]++
	return nil
}

// maySend is the rule of the pool and of the executor.
func (m *model) maySend(from string, deploys, governs bool) bool {
	_, member := m.members[from]
	_, candidate := m.candidates[from]
	if governs && (member || candidate) {
		return true
	}
	for _, list := range []string{"senders", "deployers"} {
		if list == "deployers" && !deploys {
			continue
		}
		if e := m.lists[list][from]; e.Frozen || m.closed[list] && e.Role == registry.RoleNone {
			return false
		}
	}
	return true
}
