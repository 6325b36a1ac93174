package tables

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// commitEvery is how many blocks are written at once: the disk is waited for once, and a
// killed export repeats at most so many.
const commitEvery = 200

// DB is a file that blocks are added to. It belongs to one goroutine.
type DB struct {
	db      *sql.DB
	tx      *sql.Tx
	insert  map[string]*sql.Stmt // of tx
	next    uint64
	genesis string // "" of a new file
	waiting int    // blocks in tx
}

// Open opens a file, or makes it. Another schema is refused.
func Open(ctx context.Context, path string) (*DB, error) {
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: "_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=5000"}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	d := &DB{db: db}
	if err := d.begin(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return d, nil
}

func (d *DB) begin(ctx context.Context) error {
	var version, tables int
	if err := d.db.QueryRowContext(ctx, `SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version`).Scan(&version, &tables); err != nil {
		return err
	}
	switch {
	case version == 0 && tables == 0:
		_, err := d.db.ExecContext(ctx, fmt.Sprintf("BEGIN; %s PRAGMA user_version = %d; COMMIT", schema, Version))
		return err
	case version != Version:
		return fmt.Errorf("the file has schema %d, this release writes %d: export into a new file", version, Version)
	}
	err := d.db.QueryRowContext(ctx, `SELECT genesis FROM network`).Scan(&d.genesis)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // no block was written
	}
	if err != nil {
		return err
	}
	return d.db.QueryRowContext(ctx, `SELECT max(number) + 1 FROM blocks`).Scan(&d.next)
}

// Next returns the number of the block that Add takes; ok is false for a new file,
// which begins with any.
func (d *DB) Next() (next uint64, ok bool) { return d.next, d.genesis != "" }

// Genesis fails if the file is of another network than that with this genesis.
func (d *DB) Genesis(ctx context.Context, hash string) error {
	if d.genesis == "" {
		_, err := d.db.ExecContext(ctx, `DELETE FROM network; INSERT INTO network VALUES (?)`, hash)
		return err
	}
	if d.genesis != hash {
		return fmt.Errorf("the file holds the network with genesis %s, the blocks are of %s", d.genesis, hash)
	}
	return nil
}

// Add writes the rows of a block, given as a line with all parts.
func (d *DB) Add(ctx context.Context, line []byte) error {
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

// Flush makes what was added durable.
func (d *DB) Flush() error {
	if d.tx == nil {
		return nil
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
