package tables

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/mattn/go-sqlite3"
)

// commitEvery is how many blocks are written at once: the disk is waited for once, and a
// killed export repeats at most so many.
const commitEvery = 200

// DB is a file that blocks are added to. It belongs to one goroutine.
type DB struct {
	db      *sql.DB
	tx      *sql.Tx
	insert  map[string]*sql.Stmt // of tx
	some    bool                 // there is a block: first, and those after it up to next
	first   uint64
	next    uint64
	genesis string // "" of a new file
	waiting int    // blocks in tx
	failed  error  // of a block that is in no file; nothing more is taken
}

// Open opens a file, or makes it. One with something else is ErrOther.
func Open(ctx context.Context, path string) (*DB, error) {
	db, err := openSQL(path)
	if err != nil {
		return nil, err
	}
	d := &DB{db: db}
	if err := d.begin(ctx, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

// ErrOther says that a file is there already and has other tables than ours, or no tables
// at all. It was not touched.
var ErrOther = errors.New("is there already and holds something else, so that it stays as it is: name another file, or remove this one")

// openSQL opens a file on one connection.
func openSQL(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: "_synchronous=NORMAL&_busy_timeout=5000"}).String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (d *DB) begin(ctx context.Context, path string) error {
	var version, tables, ours int
	if err := d.db.QueryRowContext(ctx, `SELECT user_version, (SELECT count(*) FROM sqlite_schema),
		(SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('network', 'blocks', 'transactions', 'receipts', 'logs', 'token_transfers'))
		FROM pragma_user_version`).Scan(&version, &tables, &ours); err != nil {
		if sqliteErr := (sqlite3.Error{}); errors.As(err, &sqliteErr) && sqliteErr.Code == sqlite3.ErrNotADB {
			err = ErrOther
		}
		return fmt.Errorf("%s %w", path, err)
	}
	fresh := version == 0 && tables == 0
	if !fresh && (version != Version || ours != tableCount) {
		return fmt.Errorf("%s %w (its schema has version %d and %d of our %d tables, this release writes version %d)", path, ErrOther, version, ours, tableCount, Version)
	}
	if _, err := d.db.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil { // not before the file is known to be ours: it is written there
		return err
	}
	if fresh {
		_, err := d.db.ExecContext(ctx, fmt.Sprintf("BEGIN; %s PRAGMA user_version = %d; COMMIT", schema, Version))
		return err
	}
	err := d.db.QueryRowContext(ctx, `SELECT genesis FROM network`).Scan(&d.genesis)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // no block was written
	}
	if err != nil {
		return err
	}
	var first, last sql.Null[int64] // NULL: killed before the first blocks were written
	if err := d.db.QueryRowContext(ctx, `SELECT min(number), max(number) FROM blocks`).Scan(&first, &last); err != nil || !last.Valid {
		return err
	}
	d.some, d.first, d.next = true, uint64(first.V), uint64(last.V)+1 //nolint:gosec // numbers of blocks
	return nil
}

// Blocks returns the first block of the file, and the number of the one that Add takes;
// ok is false for a file without blocks, which begins with any.
func (d *DB) Blocks() (first, next uint64, ok bool) { return d.first, d.next, d.some }

// Genesis fails if the file is of another network than that with this genesis.
func (d *DB) Genesis(ctx context.Context, hash string) error {
	if d.genesis == "" {
		_, err := d.db.ExecContext(ctx, `DELETE FROM network; INSERT INTO network VALUES (?)`, hash)
		return err
	}
	if d.genesis != hash {
		return fmt.Errorf("it %w (the file holds the network with genesis %s, the blocks are of %s)", ErrOther, d.genesis, hash)
	}
	return nil
}

// Add writes the rows of a block, given as a line with all parts. After an error nothing
// of what was not flushed is kept, and nothing more is taken: a block is there with all
// its rows or not at all.
func (d *DB) Add(ctx context.Context, line []byte) error {
	if d.failed != nil {
		return d.failed
	}
	if d.failed = d.add(ctx, line); d.failed == nil || d.tx == nil {
		return d.failed
	}
	tx := d.tx
	d.tx = nil
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) { // ended with ctx
		d.failed = errors.Join(d.failed, err)
	}
	return d.failed
}

func (d *DB) add(ctx context.Context, line []byte) error {
	var b block
	if err := json.Unmarshal(line, &b); err != nil {
		return err
	}
	if d.tx == nil {
		if err := d.open(ctx); err != nil {
			return err
		}
	}
	if err := d.write(ctx, &b); err != nil {
		return fmt.Errorf("block %d: %w", b.Number, err)
	}
	if d.waiting++; d.waiting >= commitEvery {
		return d.Flush()
	}
	return nil
}

func (d *DB) open(ctx context.Context) (err error) {
	if d.tx, err = d.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	d.insert = map[string]*sql.Stmt{}
	for _, text := range []string{insertBlock, insertTransaction, insertReceipt, insertLog, insertTransfer} {
		if d.insert[text], err = d.tx.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// Flush makes what was added durable. After an error of Add it returns that.
func (d *DB) Flush() error {
	if d.tx == nil || d.failed != nil {
		return d.failed
	}
	tx := d.tx
	d.tx, d.waiting = nil, 0
	return tx.Commit()
}

// Close closes the file without what was not flushed.
func (d *DB) Close() error {
	var err error
	if d.tx != nil {
		err = d.tx.Rollback()
	}
	return errors.Join(err, d.db.Close())
}
