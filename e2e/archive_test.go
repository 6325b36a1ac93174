package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/google/go-cmp/cmp"
	_ "github.com/mattn/go-sqlite3" // the driver
)

// This file: the blocks of a real network in files, and a chain made of them.

// TestArchive: what a running node gives and what its stopped folder gives is the same
// file, a killed export and a killed import go on, and a folder without a chain that has
// imported it exports it again to the last byte.
func TestArchive(t *testing.T) {
	full(t)
	x := newArchived(t)
	x.exportRunning()
	x.exportTables()
	x.d.stop()
	x.exportStopped()
	for _, file := range []string{x.lines, x.items} {
		x.importEverywhere(file)
		x.importKilled(file)
		x.importFlipped(file)
	}
}

// archived is a network with a chain, and the files made of it.
type archived struct {
	t            *testing.T
	random       *rand.Rand
	d            *devnet
	n            *node // whose blocks are exported
	head         uint64
	hash         common.Hash // of the head
	token        *types.Receipt
	dir          string
	lines, items string // the whole chain as ndjson, as rlp
	transactions int
}

func newArchived(t *testing.T) *archived {
	x := &archived{t: t, random: seed(t), d: startDevnet(t, 4, 0), dir: t.TempDir()}
	x.n = x.d.Validators[1]
	l := startLoad(x.d, x.d.Validators, 6)
	maker := x.d.account(0)
	tx := maker.sign(&types.LegacyTx{Nonce: maker.nonce, Gas: 200_000, GasPrice: common.Big0, Data: sampleTokenInit})
	send(t, x.n, tx)
	eventually(t, recoverLimit, "three answers of GET /v1/blocks", func(ctx context.Context) error {
		head, err := x.n.head(ctx)
		if err == nil && head < 220 {
			err = fmt.Errorf("block %d", head)
		}
		return err
	})
	l.finish()
	for _, n := range x.d.Validators { // what the load has left behind makes blocks, too
		eventually(t, commitLimit, "an empty pool at "+n.Name, func(ctx context.Context) error {
			raw, err := n.call(ctx, "txpool_status")
			if err == nil && !strings.Contains(string(raw), `"pending":"0x0"`) {
				err = errors.New(string(raw))
			}
			return err
		})
	}
	x.head = settled(t, x.d.Validators, recoverLimit)
	x.hash = agree(t, x.d.Validators, x.head)
	x.token = final(t, x.n, tx.Hash())
	return x
}

func (x *archived) path(name string) string { return filepath.Join(x.dir, name) }

func (x *archived) read(path string) []byte {
	x.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		x.t.Fatal(err)
	}
	return data
}

// same compares files to the last byte.
func (x *archived) same(what, got, want string) {
	x.t.Helper()
	if a, b := x.read(got), x.read(want); !bytes.Equal(a, b) {
		x.t.Errorf("%s: %d bytes that are not the %d of %s", what, len(a), len(b), filepath.Base(want))
	}
}

// exportRunning exports from the node, in one go, with a pause, and with a kill.
func (x *archived) exportRunning() {
	x.lines = x.path("running.ndjson")
	mustRun(x.t, "export", "--rpc", x.n.RPC, x.lines)
	parts := x.path("parts.ndjson")
	mustRun(x.t, "export", "--rpc", x.n.RPC, "--to", fmt.Sprint(x.head/2), parts)
	mustRun(x.t, "export", "--rpc", x.n.RPC, parts)
	x.same("exported in two parts", parts, x.lines)
	for _, flags := range [][]string{{"--from", "5"}, {"--to", "10"}} { // another range than that of the file
		if code, _, errs := run(x.t, append([]string{"export", "--rpc", x.n.RPC, parts}, flags...)...); code != 5 || !strings.Contains(errs, "no beginning of this export") {
			x.t.Errorf("%v: exit code %d: %s", flags, code, errs)
		}
	}
	x.same("after exports of other ranges", parts, x.lines)

	// A node that stops answering after the first blocks holds the export in the middle.
	held, release := make(chan struct{}), make(chan struct{})
	target, err := url.Parse(x.n.RPC)
	if err != nil {
		x.t.Fatal(err)
	}
	asked := 0
	proxy := httputil.NewSingleHostReverseProxy(target)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 3 { // the head, a hundred blocks, and this
			close(held)
			<-release
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer web.Close()
	defer close(release)
	killed := x.path("killed.ndjson")
	p := spawn(x.t, "export", "--rpc", web.URL, killed)
	select {
	case <-held:
	case <-p.ended:
		x.t.Fatalf("the export has ended before it was killed\n%s", p.errs)
	}
	p.kill()
	size := len(x.read(killed))
	mustRun(x.t, "export", "--rpc", x.n.RPC, killed)
	x.same(fmt.Sprintf("killed at %d bytes", size), killed, x.lines)
	x.t.Logf("%d blocks, %d bytes as ndjson; killed at byte %d and completed", x.head, len(x.read(x.lines)), size)
}

// exportTables exports tables in two parts, and compares rows with the node's answers.
func (x *archived) exportTables() {
	file := x.path("chain.db")
	mustRun(x.t, "export", "--rpc", x.n.RPC, "--sqlite", file, "--to", fmt.Sprint(x.head/2))
	if code, _, errs := run(x.t, "export", "--rpc", x.n.RPC, "--sqlite", file, "--from", "5"); code != 5 || !strings.Contains(errs, "it begins with block 0") {
		x.t.Errorf("--from 5 into a file from block 0: exit code %d: %s", code, errs)
	}
	if out := mustRun(x.t, "export", "--rpc", x.n.RPC, "--sqlite", file); !strings.Contains(out, fmt.Sprintf("%d blocks, %d to %d", x.head-x.head/2, x.head/2+1, x.head)) {
		x.t.Errorf("the second part: %s", out)
	}
	if out := mustRun(x.t, "export", "--rpc", x.n.RPC, "--sqlite", file); !strings.Contains(out, "nothing new") {
		x.t.Errorf("a third time: %s", out)
	}
	db, err := sql.Open("sqlite3", file)
	if err != nil {
		x.t.Fatal(err)
	}
	defer db.Close()
	row := func(query string, args ...any) (out string) {
		x.t.Helper()
		if err := db.QueryRowContext(x.t.Context(), query, args...).Scan(&out); err != nil {
			x.t.Fatalf("%s %v: %v", query, args, err)
		}
		return out
	}
	want := fmt.Sprint(x.head+1, 0, x.head)
	if got := row(`SELECT count(*) || ' ' || min(number) || ' ' || max(number) FROM blocks`); got != want {
		x.t.Errorf("blocks are %s, want %s", got, want)
	}
	for number := range x.head + 1 {
		b, err := x.n.block(x.t.Context(), number)
		if err != nil {
			x.t.Fatal(err)
		}
		x.transactions += len(b.Transactions)
		if got, want := row(`SELECT hash || ' ' || transaction_count FROM blocks WHERE number = ?`, number), fmt.Sprint(b.Hash, " ", len(b.Transactions)); got != want {
			x.t.Errorf("block %d: %s, by RPC %s", number, got, want)
		}
		if len(b.Transactions) > 0 && (number%16 == 1 || number == x.head) {
			x.sameTransaction(row, b.Transactions[x.random.IntN(len(b.Transactions))])
		}
	}
	for _, table := range []string{"transactions", "receipts"} {
		if got := row(`SELECT count(*) FROM ` + table); got != fmt.Sprint(x.transactions) {
			x.t.Errorf("%s %s, by RPC %d", got, table, x.transactions)
		}
	}
	token := strings.ToLower(x.token.ContractAddress.Hex())
	got := row(`SELECT block_number || ' ' || transaction_hash || ' ' || standard || ' ' || sender || ' ' || recipient || ' ' || value FROM token_transfers WHERE token = ?`, token)
	maker := strings.ToLower(x.d.account(0).address.Hex())
	if want := fmt.Sprintf("%d %s ERC20 0x%040x %s 1000", x.token.BlockNumber, x.token.TxHash, 0, maker); got != want {
		x.t.Errorf("the transfer of the token: %s\nwant %s", got, want)
	}
	if got, want := row(`SELECT r.contract_address || ' ' || l.topic0 || ' ' || l.data FROM receipts r JOIN logs l USING (block_number, transaction_index) WHERE r.transaction_hash = ?`, x.token.TxHash.Hex()),
		fmt.Sprintf("%s %s %#x", token, x.token.Logs[0].Topics[0], x.token.Logs[0].Data); got != want {
		x.t.Errorf("its log: %s\nwant %s", got, want)
	}
}

// sameTransaction compares the rows of a transaction with what the node says of it.
func (x *archived) sameTransaction(row func(string, ...any) string, hash common.Hash) {
	x.t.Helper()
	tx, _, err := x.n.eth.TransactionByHash(x.t.Context(), hash)
	if err != nil {
		x.t.Fatal(err)
	}
	r := final(x.t, x.n, hash)
	sender, err := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx)
	if err != nil {
		x.t.Fatal(err)
	}
	to := "-"
	if tx.To() != nil {
		to = strings.ToLower(tx.To().Hex())
	}
	want := fmt.Sprintf("%d %d %d %s %s %s %d %d 0x%x", r.BlockNumber, r.TransactionIndex, tx.Type(), strings.ToLower(sender.Hex()), to, tx.Value(), tx.Nonce(), tx.Gas(), tx.Data())
	got := row(`SELECT block_number || ' ' || transaction_index || ' ' || type || ' ' || sender || ' ' || ifnull(recipient, '-') || ' ' || value || ' ' || nonce || ' ' || gas || ' ' || input FROM transactions WHERE hash = ?`, hash.Hex())
	want += fmt.Sprintf(" %d %d %d %s", r.Status, r.GasUsed, r.CumulativeGasUsed, r.EffectiveGasPrice)
	got += row(`SELECT ' ' || status || ' ' || gas_used || ' ' || cumulative_gas_used || ' ' || effective_gas_price FROM receipts WHERE transaction_hash = ?`, hash.Hex())
	if diff := cmp.Diff(want, got); diff != "" {
		x.t.Errorf("transaction %s (RPC, table):\n%s", hash, diff)
	}
}

// exportStopped exports from the folder of the same node, with a kill.
func (x *archived) exportStopped() {
	x.items = x.path("stopped.rlp")
	stopped, killed := x.path("stopped.ndjson"), x.path("killed-stopped.ndjson")
	mustRun(x.t, "export", "--dir", x.n.Dir, stopped)
	x.same("of the stopped node", stopped, x.lines)
	mustRun(x.t, "export", "--dir", x.n.Dir, "--format", "rlp", x.items)

	// The file grows by a megabyte at a time: one of these kills meets it in between.
	whole, size := len(x.read(stopped)), 0
	for try := 0; size == 0 || size == whole; try++ {
		if try == 50 {
			x.t.Fatalf("%d exports have ended before they could be killed", try)
		}
		if err := os.Remove(killed); err != nil && !errors.Is(err, os.ErrNotExist) {
			x.t.Fatal(err)
		}
		p := spawn(x.t, "export", "--dir", x.n.Dir, killed)
		for p.lives() {
			if info, err := os.Stat(killed); err == nil && info.Size() > 0 {
				break
			}
		}
		p.kill()
		size = len(x.read(killed))
	}
	mustRun(x.t, "export", "--dir", x.n.Dir, killed)
	x.same(fmt.Sprintf("killed at %d bytes", size), killed, x.lines)
	x.t.Logf("%d transactions: %d bytes as ndjson, %d as rlp; an export of the folder killed at byte %d and completed", x.transactions, whole, len(x.read(x.items)), size)
}

// folder makes one of a node that has the genesis and no chain.
func (x *archived) folder() string {
	x.t.Helper()
	dir := x.t.TempDir()
	for _, name := range []string{"genesis.json", "config.toml"} {
		if err := os.WriteFile(filepath.Join(dir, name), x.read(filepath.Join(x.n.Dir, name)), 0o600); err != nil {
			x.t.Fatal(err)
		}
	}
	return dir
}

// importEverywhere imports a file twice, and exports the chain again in both forms.
func (x *archived) importEverywhere(file string) {
	x.t.Helper()
	dir := x.folder()
	for _, want := range []string{fmt.Sprintf("%d blocks imported, 0 were here", x.head), fmt.Sprintf("0 blocks imported, %d were here", x.head)} {
		if out := mustRun(x.t, "import", file, "--dir", dir); !strings.Contains(out, want) || !strings.Contains(out, fmt.Sprintf("block %d %s", x.head, x.hash)) {
			x.t.Errorf("import of %s: %s\nwant %s", filepath.Base(file), out, want)
		}
	}
	for form, want := range map[string]string{"ndjson": x.lines, "rlp": x.items} {
		again := filepath.Join(dir, "again")
		if err := os.RemoveAll(again); err != nil {
			x.t.Fatal(err)
		}
		mustRun(x.t, "export", "--dir", dir, "--format", form, again)
		x.same("exported again as "+form+" from an import of "+filepath.Base(file), again, want)
	}
}

// importKilled kills an import in the middle of the file, and imports it again.
func (x *archived) importKilled(file string) {
	x.t.Helper()
	dir, data := x.folder(), x.read(file)
	in, feed, err := os.Pipe()
	if err != nil {
		x.t.Fatal(err)
	}
	p := &process{t: x.t, cmd: exec.Command(quorate, "import", "-", "--dir", dir), out: &output{}, errs: &output{}, ended: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = in, p.out, p.errs, cleanEnv()
	p.run()
	in.Close() // the child has its own descriptor
	half := len(data)/2 + x.random.IntN(len(data)/4)
	if _, err := feed.Write(data[:half]); err != nil {
		x.t.Fatalf("feeding the import: %v\n%s", err, p.errs)
	}
	if !p.lives() {
		x.t.Errorf("the import has ended before it was killed\n%s%s", p.out, p.errs)
	}
	p.kill()
	feed.Close()
	out := mustRun(x.t, "import", file, "--dir", dir)
	var blocks, known, head uint64
	if _, err := fmt.Sscanf(out, "%d blocks imported, %d were here: the head is block %d", &blocks, &known, &head); err != nil || blocks+known != x.head || head != x.head || blocks == 0 || !strings.Contains(out, x.hash.Hex()) {
		x.t.Errorf("%s, after a kill: %s", filepath.Base(file), out)
	}
	x.t.Logf("import of %s killed after %d of %d bytes: %d blocks were there, %d came then", filepath.Base(file), half, len(data), known, blocks)
}

// importFlipped changes one bit, which is refused with the number of its block; those
// before it stay.
func (x *archived) importFlipped(file string) {
	x.t.Helper()
	data := x.read(file)
	at := len(data)/4 + x.random.IntN(len(data)/2)
	number, err := blockAt(data, at)
	if err != nil {
		x.t.Fatal(err)
	}
	data[at] ^= 1 << x.random.IntN(8)
	flipped := x.path("flipped")
	if err := os.WriteFile(flipped, data, 0o600); err != nil {
		x.t.Fatal(err)
	}
	dir := x.folder()
	code, out, errs := run(x.t, "import", flipped, "--dir", dir)
	x.t.Logf("byte %d of %s, in block %d: %.200s", at, filepath.Base(file), number, errs)
	// What only repeats something, as a receipt, is compared when the block is there. And
	// where the number of a line cannot be read, the block before it is named.
	named := regexp.MustCompile(fmt.Sprintf(`\bblock %d\b|\bafter block %d\b`, number, number-1))
	stands := regexp.MustCompile(fmt.Sprintf(`the chain is at block (%d|%d)\)`, number-1, number)).FindStringSubmatch(errs)
	if code != 3 || !named.MatchString(errs) || stands == nil {
		x.t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if out := mustRun(x.t, "import", file, "--dir", dir); !strings.Contains(out, stands[1]+" were here: ") || !strings.Contains(out, x.hash.Hex()) {
		x.t.Errorf("then the good file: %s", out)
	}
}

// blockAt is the block that a byte of a file belongs to.
func blockAt(data []byte, at int) (number uint64, err error) {
	if data[0] == '{' {
		return uint64(bytes.Count(data[:at], []byte{'\n'})), nil
	}
	_, rest, err := rlp.SplitList(data) // how the file begins
	for end := len(data) - len(rest); err == nil && end <= at; number++ {
		_, rest, err = rlp.SplitString(rest)
		end = len(data) - len(rest)
	}
	return number, err
}
