package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// Voted is what is known of a key's past.
type Voted struct {
	Ever  bool            // false: the key has never voted
	Epoch consensus.Epoch // the highest epoch it voted in, if Ever
}

// ErrVotedUnknown is returned when the file is missing: the key may have voted
// in any epoch.
var ErrVotedUnknown = errors.New("nothing is known of this key's votes")

const votedVersion = 1

type votedDoc struct {
	Version int              `json:"version"`
	Address common.Address   `json:"address"`
	Voted   *consensus.Epoch `json:"voted"` // null: never voted
}

// VotedFile is the small file beside a validator key. It is safe for
// concurrent use within one process.
type VotedFile struct {
	path    string
	address common.Address
	mu      sync.Mutex
}

// OpenVoted returns the file of address in the keystore directory dir. It
// reads nothing yet.
func OpenVoted(dir string, address common.Address) *VotedFile {
	return &VotedFile{path: votedPath(dir, address), address: address}
}

func votedPath(dir string, a common.Address) string {
	return filepath.Join(dir, fmt.Sprintf("voted-%x.json", a[:]))
}

// createVoted makes the file that says "never voted".
func createVoted(dir string, a common.Address) error {
	return createFile(votedPath(dir, a), encodeVoted(votedDoc{Version: votedVersion, Address: a}))
}

func encodeVoted(d votedDoc) []byte {
	blob, err := json.Marshal(d)
	if err != nil {
		panic(fmt.Sprintf("keys: encoding %T: %v", d, err)) // integers and an address
	}
	return append(blob, '\n')
}

// Path returns where the file lies.
func (f *VotedFile) Path() string { return f.path }

// Load reads the file. A missing one is ErrVotedUnknown; a damaged one, or one
// of another key, is an error of its own, never "never voted".
func (f *VotedFile) Load() (Voted, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.load()
}

func (f *VotedFile) load() (Voted, error) {
	blob, err := os.ReadFile(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return Voted{}, fmt.Errorf("%s is missing: %w", f.path, ErrVotedUnknown)
	}
	if err != nil {
		return Voted{}, err
	}
	var present struct {
		Voted json.RawMessage `json:"voted"`
	}
	var d votedDoc
	if err := errors.Join(json.Unmarshal(blob, &d), json.Unmarshal(blob, &present)); err != nil {
		return Voted{}, fmt.Errorf("%s is damaged: %w", f.path, err)
	}
	switch {
	case d.Version != votedVersion:
		return Voted{}, fmt.Errorf("%s has version %d, this release reads %d", f.path, d.Version, votedVersion)
	case d.Address != f.address:
		return Voted{}, fmt.Errorf("%s is about key %s, not %s", f.path, d.Address, f.address)
	case len(present.Voted) == 0: // an absent key must not read as "never"
		return Voted{}, fmt.Errorf("%s is damaged: %q is missing", f.path, "voted")
	case d.Voted == nil:
		return Voted{}, nil
	}
	return Voted{Ever: true, Epoch: *d.Voted}, nil
}

// Record makes durable, before it returns, that the key votes in epoch. A
// lower epoch than the recorded one changes nothing; a missing file is made.
func (f *VotedFile) Record(epoch consensus.Epoch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, err := f.load()
	if err != nil && !errors.Is(err, ErrVotedUnknown) {
		return err
	}
	if old.Ever && old.Epoch >= epoch {
		return nil
	}
	if err := writeFile(f.path, encodeVoted(votedDoc{Version: votedVersion, Address: f.address, Voted: &epoch})); err != nil {
		return fmt.Errorf("recording epoch %d beside the key: %w", epoch, err)
	}
	return nil
}
