package devnet

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// reporter tells the user what happens, as text or as JSON lines.
type reporter struct {
	out      io.Writer
	json     bool
	accounts []Account
}

// nodeLine is one node in the ready line.
type nodeLine struct {
	Name      string          `json:"name"`
	Address   *common.Address `json:"address,omitempty"` // of the validator
	RPC       string          `json:"rpc"`
	Explorer  string          `json:"explorer,omitempty"` // of this node; none where it is off
	WebSocket string          `json:"ws"`
	Admin     string          `json:"admin"`
	NodeID    string          `json:"nodeId"`
	PID       int             `json:"pid"` // 0: it has ended already
	Dir       string          `json:"dir"`
}

type accountLine struct {
	Address    common.Address `json:"address"`
	PrivateKey hexutil.Bytes  `json:"privateKey"`
	Unsafe     bool           `json:"unsafe"` // everybody knows the key
}

type readyLine struct {
	Event      string        `json:"event"`
	ChainID    uint64        `json:"chainId"`
	Genesis    common.Hash   `json:"genesisHash"`
	Validators []nodeLine    `json:"validators"`
	Observers  []nodeLine    `json:"observers"`
	Accounts   []accountLine `json:"accounts"`
}

func (r *reporter) line(doc any) error { return json.NewEncoder(r.out).Encode(doc) }

func (r *reporter) text(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// ready says that every node that runs has answered.
func (r *reporter) ready(n *Network, running []*process) error {
	doc := readyLine{
		Event: "ready", ChainID: n.Genesis.ChainID, Genesis: n.Genesis.Hash(),
		Validators: []nodeLine{}, Observers: []nodeLine{}, Accounts: []accountLine{},
	}
	for i := range n.Nodes {
		l := n.Nodes[i].line(running)
		if l.Address != nil {
			doc.Validators = append(doc.Validators, l)
		} else {
			doc.Observers = append(doc.Observers, l)
		}
	}
	for _, a := range r.accounts {
		doc.Accounts = append(doc.Accounts, accountLine{a.Address, crypto.FromECDSA(a.Key), true})
	}
	if r.json {
		return r.line(doc)
	}
	_, err := io.WriteString(r.out, doc.text(n.Dir))
	return err
}

func (n *Node) line(running []*process) nodeLine {
	l := nodeLine{Name: n.Name, RPC: n.RPC(), Explorer: n.Explorer(), WebSocket: n.WebSocket(), Admin: n.Admin(), NodeID: n.NodeID, Dir: n.Dir}
	if n.Validator != (common.Address{}) {
		l.Address = &n.Validator
	}
	for _, p := range running {
		if p.node == n && p.lives() {
			l.PID = p.cmd.Process.Pid
		}
	}
	return l
}

// text is the ready line for people.
func (d *readyLine) text(dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Devnet in %s, genesis %s\n\n", dir, d.Genesis)
	for _, n := range append(d.Validators, d.Observers...) {
		state := fmt.Sprintf("process %d", n.PID)
		if n.PID == 0 {
			state = "NOT RUNNING"
		}
		fmt.Fprintf(&b, "  %-13s %s  (WebSocket on the same port, %s)\n", n.Name, n.RPC, state)
	}
	if url := d.Validators[0].Explorer; url != "" {
		fmt.Fprintf(&b, "\nExplorer %s\n", url)
	}
	fmt.Fprintf(&b, "\nChain id %d\n", d.ChainID)
	if len(d.Accounts) < 2 {
		return b.String()
	}
	fmt.Fprintf(&b, "\nAccounts with 10,000 ether each. UNSAFE: everybody knows these keys, never use them elsewhere.\nMnemonic %q\n\n", Mnemonic)
	for i, a := range d.Accounts {
		fmt.Fprintf(&b, "  (%d) %s  key %s\n", i, a.Address.Hex(), a.PrivateKey)
	}
	fmt.Fprintf(&b, "\nTry\n  cast send --rpc-url %s --private-key %s %s --value 1ether\n\nCtrl-C stops all.\n",
		d.Validators[0].RPC, d.Accounts[0].PrivateKey, d.Accounts[1].Address.Hex())
	return b.String()
}

// exited says that a process has ended, and what it said last.
func (r *reporter) exited(p *process) {
	status := "exit status 0"
	if p.err != nil {
		status = p.err.Error()
	}
	last := lastLine(p.node.logFile())
	if r.json {
		_ = r.line(map[string]any{"event": "exited", "node": p.node.Name, "pid": p.cmd.Process.Pid, "status": status, "log": p.node.logFile(), "lastLine": last})
		return
	}
	r.text("%s ended: %s; the others go on. Its log is %s", p.node.Name, status, p.node.logFile())
	if last != "" {
		r.text("  %s", last)
	}
	r.text("  start it again with: quorate start --dir %s", p.node.Dir)
}

func (r *reporter) waiting(silent []*process) {
	for _, p := range silent {
		if r.json {
			_ = r.line(map[string]any{"event": "waiting", "node": p.node.Name, "log": p.node.logFile()})
			continue
		}
		r.text("%s does not answer yet at %s, its log is %s", p.node.Name, p.node.RPC(), p.node.logFile())
	}
}

func (r *reporter) stopped() {
	if r.json {
		_ = r.line(map[string]any{"event": "stopped"})
		return
	}
	r.text("all nodes have stopped")
}

// maxTail bounds what is read of a log, in bytes.
const maxTail = 8 << 10

// lastLine returns the last line of a file that is not empty.
func lastLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxTail {
		if _, err := f.Seek(-maxTail, io.SeekEnd); err != nil {
			return ""
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxTail))
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(string(data))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// fundedAccounts returns the accounts of the mnemonic that own something in
// this network's genesis.
func (n *Network) fundedAccounts() ([]Account, error) {
	all, err := Accounts()
	if err != nil {
		return nil, err
	}
	var out []Account
	for _, a := range all {
		if g, ok := n.Genesis.Alloc[a.Address]; ok && g.Balance.Sign() > 0 {
			out = append(out, a)
		}
	}
	return out, nil
}
