package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quorate/quorate/archive"
	"github.com/quorate/quorate/archive/tables"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
)

// exportFlags say what goes where.
type exportFlags struct {
	dir, url, format, sqlite string
	from, to                 uint64
	begun, bounded           bool // --from, --to was given
	access                   dialFlags
}

// exported is what the command prints.
type exported struct {
	File   string `json:"file"`
	Format string `json:"format"`
	From   uint64 `json:"from"` // the first block that was written now
	To     uint64 `json:"to"`   // the last block in the file
	Blocks uint64 `json:"blocks"`
}

func (e *exported) line() string {
	if e.Blocks == 0 {
		return fmt.Sprintf("%s: nothing new, the last block is %d", e.File, e.To)
	}
	return fmt.Sprintf("%s: %d blocks, %d to %d", e.File, e.Blocks, e.From, e.To)
}

func (a *app) exportCmd() *cobra.Command {
	f := &exportFlags{}
	c := &cobra.Command{
		Use:   "export [FILE|-]",
		Short: "Write blocks into a file: as lines of JSON, as RLP, or as tables of SQLite",
		Long: `Write blocks into a file, out of the data directory of a node that is stopped
(--dir), or from a node that runs (--rpc).

ndjson  one line for a block, as GET /v1/blocks with all parts
rlp     as nodes send blocks to each other: smaller; from --dir only
sqlite  tables for SQL (--sqlite FILE): docs/explorers/sqlite.md

A file that is there is continued: what was killed goes on after its last whole
block, and run again later it adds what is new. Anything else that is there, also
blocks of another network or range, stays as it is. 'quorate import' reads ndjson and
rlp and verifies every certificate.`,
		Example: `  quorate export --dir network/validator-0 blocks.ndjson
  quorate export --rpc http://127.0.0.1:8545 --from 1000 --to 2000 - | zstd > part.zst
  quorate export --dir network/validator-0 --format rlp blocks.rlp
  quorate export --rpc http://127.0.0.1:8545 --sqlite chain.db`,
		Args: cobra.MaximumNArgs(1),
	}
	given := settingFlags(c)
	c.Flags().StringVar(&f.dir, "dir", "", "folder of the node, which must be stopped")
	c.Flags().StringVar(&f.url, "rpc", "", "JSON-RPC of a node that runs, http or https")
	c.Flags().StringVar(&f.format, "format", "ndjson", "ndjson or rlp")
	c.Flags().StringVar(&f.sqlite, "sqlite", "", "SQLite file to write tables into, instead of FILE")
	c.Flags().Uint64Var(&f.from, "from", 0, "first block of a new file")
	c.Flags().Uint64Var(&f.to, "to", 0, "last block (default: the head)")
	f.access.add(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		f.begun, f.bounded = c.Flags().Changed("from"), c.Flags().Changed("to")
		file := f.sqlite
		if len(args) == 1 {
			file = args[0]
		}
		if err := f.check(args); err != nil {
			return withCode(exitUsage, err)
		}
		e := &exporter{exportFlags: f, file: file, progress: a.bar(c, "exporting")}
		if err := e.open(c, given); err != nil {
			return err
		}
		defer e.close()
		out, err := e.run(c.Context(), c.OutOrStdout())
		if err != nil || file == "-" {
			return err
		}
		return a.print(c, out, out.line())
	}
	return c
}

func (f *exportFlags) check(args []string) error {
	switch {
	case (f.dir == "") == (f.url == ""):
		return errors.New("say where the blocks are: --dir of a node that is stopped, or --rpc of one that runs")
	case (f.sqlite == "") == (len(args) == 0):
		return errors.New("say where they go: FILE, - or --sqlite FILE")
	case f.format != "ndjson" && f.format != "rlp":
		return fmt.Errorf("--format is %q: ndjson or rlp", f.format)
	case f.format == "rlp" && f.url != "":
		return errors.New("--format rlp needs --dir: a node gives its blocks as ndjson")
	case f.bounded && f.to < f.from:
		return fmt.Errorf("--to (%d) is below --from (%d)", f.to, f.from)
	}
	return nil
}

// exporter is one run of the command.
type exporter struct {
	*exportFlags
	file     string
	source   archive.Source
	offline  *node.Offline // nil with --rpc
	progress *progress
}

// open opens where the blocks are.
func (e *exporter) open(c *cobra.Command, given func() map[string]string) error {
	if e.url != "" {
		header, tls, err := e.access.read()
		if err != nil {
			return err
		}
		e.source = &archive.Remote{URL: e.url, Header: header, Client: &http.Client{Transport: &http.Transport{
			TLSClientConfig: tls, Proxy: http.ProxyFromEnvironment, DisableCompression: true, ResponseHeaderTimeout: time.Minute,
		}}}
		return nil
	}
	cfg, _, err := config.Load(e.dir, os.Environ(), given())
	if err != nil {
		return err
	}
	if e.offline, err = node.OpenOffline(c.Context(), cfg, quiet(c, cfg), false); err != nil {
		return err
	}
	e.source = archive.Local{Objects: e.offline.Objects}
	return nil
}

func (e *exporter) close() {
	e.progress.close()
	if e.offline != nil {
		_ = e.offline.Close() // it was only read
	}
}

// run writes the file.
func (e *exporter) run(ctx context.Context, stdout io.Writer) (*exported, error) {
	last, err := e.source.Head(ctx)
	if err != nil {
		return nil, withCode(exitUnavailable, err)
	}
	if e.bounded {
		if e.to > last {
			return nil, withCode(exitUsage, fmt.Errorf("--to is %d, the head is block %d", e.to, last))
		}
		last = e.to
	}
	if e.from > last {
		return nil, withCode(exitUsage, fmt.Errorf("--from is %d, the last block is %d", e.from, last))
	}
	switch {
	case e.sqlite != "":
		return e.tables(ctx, last)
	case e.file == "-":
		return e.write(ctx, stdout, e.first(), last, true)
	}
	return e.intoFile(ctx, last)
}

// intoFile begins a file or goes on with it. What is no beginning of this export stays
// as it is.
func (e *exporter) intoFile(ctx context.Context, last uint64) (*exported, error) {
	f, err := os.OpenFile(e.file, os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // blocks are no secret
	if err != nil {
		return nil, err
	}
	place, err := e.resume(ctx, f, last)
	if err == nil {
		err = place.Cut(f)
	}
	if errors.Is(err, archive.ErrOther) {
		err = withCode(exitExists, err)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	out, err := e.write(ctx, f, place.Next(e.first()), last, place.End == 0)
	return out, errors.Join(err, f.Sync(), f.Close())
}

// resume finds where a file goes on, which must hold no other blocks than are asked for.
func (e *exporter) resume(ctx context.Context, f *os.File, last uint64) (place archive.Place, err error) {
	if e.format == "rlp" {
		place, err = archive.ResumeRLP(f, e.offline.Chain, e.first())
	} else {
		place, err = archive.ResumeLines(ctx, f, e.source, e.first())
	}
	if err != nil || !place.Some {
		return place, err
	}
	if e.begun && place.First != e.first() {
		return place, fmt.Errorf("%s %w (it begins with block %d, --from is %d)", e.file, archive.ErrOther, place.First, e.from)
	}
	if e.bounded && place.Last > last {
		return place, fmt.Errorf("%s %w (it ends with block %d, --to is %d)", e.file, archive.ErrOther, place.Last, e.to)
	}
	return place, nil
}

// first is the block that a new file begins with: everybody makes block 0 from the
// genesis, so that rlp is without it.
func (e *exporter) first() uint64 {
	if e.format == "rlp" {
		return max(e.from, 1)
	}
	return e.from
}

// write writes blocks in one of the two forms. In rlp also a chain without blocks has a
// file, which says of which network it is.
func (e *exporter) write(ctx context.Context, w io.Writer, from, to uint64, begin bool) (*exported, error) {
	out := &exported{File: e.file, Format: e.format, From: from, To: to}
	if from > to {
		out.To = from - 1
	} else {
		out.Blocks = to - from + 1
	}
	e.progress.begin(out.Blocks)
	if e.format == "rlp" {
		return out, archive.WriteRLP(ctx, w, e.offline.Chain, begin, from, to, e.progress.tell)
	}
	if out.Blocks == 0 {
		return out, nil
	}
	return out, archive.WriteLines(ctx, w, e.source, from, to, e.progress.tell)
}

// tables adds blocks to a SQLite file.
func (e *exporter) tables(ctx context.Context, last uint64) (out *exported, err error) {
	defer func() {
		if errors.Is(err, tables.ErrOther) {
			err = withCode(exitExists, err)
		}
	}()
	db, err := tables.Open(ctx, e.sqlite)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	genesis, err := e.genesis(ctx)
	if err == nil {
		err = db.Genesis(ctx, genesis)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.sqlite, err)
	}
	first, from, some := db.Blocks()
	if !some {
		first, from = e.from, e.from
	}
	if e.begun && first != e.from {
		return nil, fmt.Errorf("%s %w (it begins with block %d, --from is %d)", e.sqlite, tables.ErrOther, first, e.from)
	}
	out = &exported{File: e.sqlite, Format: "sqlite", From: from, To: last}
	if from > last {
		out.To = from - 1
		return out, nil
	}
	out.Blocks = last - from + 1
	e.progress.begin(out.Blocks)
	err = e.source.Lines(ctx, from, last, func(n uint64, line []byte) error {
		e.progress.tell(n)
		return db.Add(ctx, line)
	})
	if flushed := db.Flush(); err == nil { // otherwise the first error says more
		err = flushed
	}
	return out, err
}

// genesis returns the hash of block 0, of which a node that began with a snapshot has
// the header only.
func (e *exporter) genesis(ctx context.Context) (hash string, err error) {
	if e.offline != nil {
		return e.offline.Chain.Genesis().Hex(), nil
	}
	err = e.source.Lines(ctx, 0, 0, func(_ uint64, line []byte) error {
		var b struct{ Hash string }
		err := json.NewDecoder(bytes.NewReader(line)).Decode(&b)
		hash = b.Hash
		return err
	})
	return hash, err
}

// progress is a bar on a terminal, and nothing elsewhere.
type progress struct {
	make func(n uint64) *progressbar.ProgressBar
	bar  *progressbar.ProgressBar
}

func (a *app) bar(c *cobra.Command, what string) *progress {
	file, ok := c.ErrOrStderr().(*os.File)
	if !ok || a.json || !term.IsTerminal(int(file.Fd())) {
		return &progress{}
	}
	return &progress{make: func(n uint64) *progressbar.ProgressBar {
		return progressbar.NewOptions64(int64(min(n, math.MaxInt64)), //nolint:gosec // bounded
			progressbar.OptionSetWriter(file), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("blocks"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}}
}

func (p *progress) begin(n uint64) {
	if p.make != nil {
		p.bar = p.make(n)
	}
}

func (p *progress) tell(uint64) {
	if p.bar != nil {
		_ = p.bar.Add(1) // a terminal that is gone is no reason to stop
	}
}

func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
