package p2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/peer"
)

// book holds the newest record of every member and of this node. It is a
// cache: a lost or broken file costs only a slower start. It is written only
// when something changed, atomically, and gathers changes for a moment.
type book struct {
	cfg     *Config
	self    peer.ID
	members func() *memberTable

	mu      sync.Mutex
	records map[peer.ID]*Record // without our own
	mine    *Record
	dirty   chan struct{} // capacity 1
	delay   time.Duration
}

// bookFile is the format on disk. Every record is signed, so the file needs no
// checksum.
type bookFile struct {
	Version uint64
	Records [][]byte
}

const bookVersion = 1

// openBook reads the file. Faults are logged, never fatal.
func openBook(cfg *Config, self peer.ID, members func() *memberTable) *book {
	b := &book{cfg: cfg, self: self, members: members, records: map[peer.ID]*Record{}, dirty: make(chan struct{}, 1), delay: cfg.Limits.BookDelay}
	if cfg.BookPath == "" {
		return b
	}
	f, err := os.Open(cfg.BookPath)
	if errors.Is(err, fs.ErrNotExist) {
		return b
	}
	if err == nil {
		defer f.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(f, maxBookBytes+1)); err == nil {
			err = b.load(data, time.Now())
		}
	}
	if err != nil {
		cfg.Logger.Warn("address book cannot be read; starting without it", "file", cfg.BookPath, "err", err)
	}
	return b
}

// load reads the file's content. A record that is not valid any more is left
// out; it says nothing about the others.
func (b *book) load(data []byte, now time.Time) error {
	if len(data) > maxBookBytes {
		return fmt.Errorf("more than %d bytes", maxBookBytes)
	}
	var f bookFile
	if err := rlp.DecodeBytes(data, &f); err != nil {
		return err
	}
	if f.Version != bookVersion {
		return fmt.Errorf("format version %d, this build reads %d", f.Version, bookVersion)
	}
	if len(f.Records) > maxRecords+1 {
		return fmt.Errorf("%d records, at most %d", len(f.Records), maxRecords+1)
	}
	for _, raw := range f.Records {
		r, err := decodeRecord(raw, b.cfg.ChainID, b.cfg.Genesis)
		if err != nil {
			b.cfg.Logger.Warn("address book: record left out", "file", b.cfg.BookPath, "err", err)
			continue
		}
		switch {
		case r.id() == b.self:
			b.mine = r // even if expired: its number must be surpassed
		case !r.expired(now):
			b.records[r.id()] = r
		}
	}
	return nil
}

// get returns the record of a member that may be dialled.
func (b *book) get(id peer.ID) *Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.records[id]
}

// own returns our record's encoding.
func (b *book) own() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mine == nil {
		return nil
	}
	return b.mine.encode()
}

// put takes a verified record of a member if it is newer than what is known.
func (b *book) put(r *Record) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.records[r.id()]; old != nil && old.Seq >= r.Seq {
		return false
	}
	b.records[r.id()] = r
	b.touch()
	return true
}

// known tells whether a record would be refused as old, before its signatures
// are looked at.
func (b *book) known(id peer.ID, seq uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id == b.self {
		return b.mine != nil && seq <= b.mine.Seq
	}
	old := b.records[id]
	return old != nil && old.Seq >= seq
}

// renew makes our own record say addrs, with a number above floor. It is signed
// anew only if something changed or half of its life is over.
func (b *book) renew(addrs []string, floor uint64, now time.Time) (changed bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.mine
	if old != nil && old.Seq > floor && slices.Equal(old.Addresses, addrs) && old.Validator == b.validator() &&
		!old.expired(now.Add(b.cfg.Limits.RecordLife/2)) {
		return false, nil
	}
	// Milliseconds since 1970, so that the number grows even without the file;
	// above the last one, so that it grows even if the clock went back.
	seq := max(uint64(max(now.UnixMilli(), 0)), floor+1)
	if old != nil {
		seq = max(seq, old.Seq+1)
	}
	r, err := signRecord(b.cfg, b.self, addrs, seq, now)
	if err != nil {
		return false, err
	}
	b.mine = r
	b.touch()
	return true, nil
}

func (b *book) validator() (v [20]byte) {
	if b.cfg.SignRecord != nil {
		v = b.cfg.Validator
	}
	return v
}

func (b *book) touch() {
	select {
	case b.dirty <- struct{}{}:
	default:
	}
}

// snapshot returns the encodings of our record and of those that members may
// hear about, ordered by peer id.
func (b *book) snapshot(now time.Time) [][]byte {
	members := b.members()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([][]byte, 0, len(b.records)+1)
	if b.mine != nil {
		out = append(out, b.mine.encode())
	}
	for id, r := range b.records {
		if members.byID[id] != nil && !r.expired(now) {
			out = append(out, r.encode())
		}
	}
	slices.SortFunc(out, bytes.Compare)
	return out[:min(len(out), maxRecords)]
}

// run writes the file after changes until the context ends, and once more then.
func (b *book) run(ctx context.Context, log *slog.Logger) {
	if b.cfg.BookPath == "" {
		return
	}
	for {
		select {
		case <-ctx.Done():
			select {
			case <-b.dirty:
				b.save(log)
			default:
			}
			return
		case <-b.dirty:
		}
		wait(ctx, b.delay)
		b.save(log)
	}
}

func (b *book) save(log *slog.Logger) {
	data, err := rlp.EncodeToBytes(&bookFile{bookVersion, b.snapshot(time.Now())})
	if err == nil {
		err = writeAtomically(b.cfg.BookPath, data)
	}
	if err != nil {
		log.Warn("address book cannot be written", "file", b.cfg.BookPath, "err", err)
	}
}

// writeAtomically replaces a file: a crash leaves the old or the new one.
func writeAtomically(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
