package keys

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
)

// maxKeyFileBytes bounds what is read as a key file; real ones have about 500.
const maxKeyFileBytes = 64 << 10

// Strength is the cost of the scrypt key derivation that protects a key file.
type Strength struct{ n, p int }

// The two strengths that Ethereum tools use.
var (
	Standard = Strength{keystore.StandardScryptN, keystore.StandardScryptP} // 256 MB and a second per unlock
	Light    = Strength{keystore.LightScryptN, keystore.LightScryptP}       // 4 MB and a tenth of it; devnets
	None     = Strength{2, 1}                                               // protects nothing; tests that make hundreds of keys
)

// Errors of the keystore.
var (
	ErrNoKey    = errors.New("no key file")
	ErrPassword = errors.New("wrong password")
)

// Entry is one key file.
type Entry struct {
	Address common.Address
	Path    string
}

// New creates a key and stores it, see Store.
func New(dir, password string, s Strength) (Entry, error) {
	key, err := crypto.GenerateKey()
	if err != nil {
		return Entry{}, fmt.Errorf("creating a key: %w", err)
	}
	return Store(dir, key, password, s, true)
}

// Store encrypts a key into dir, which is created with mode 0700 if needed. A
// fresh key, one that cannot have signed anything yet, gets the file that says
// "never voted"; an imported one does not, since nobody here knows.
func Store(dir string, key *ecdsa.PrivateKey, password string, s Strength, fresh bool) (Entry, error) {
	if err := os.MkdirAll(dir, secretDir); err != nil {
		return Entry{}, err
	}
	address := crypto.PubkeyToAddress(key.PublicKey)
	if e, err := Find(dir, address); err == nil {
		return Entry{}, fmt.Errorf("key %s: %s: %w", address, e.Path, ErrExists)
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return Entry{}, err
	}
	blob, err := keystore.EncryptKey(&keystore.Key{Id: id, Address: address, PrivateKey: key}, password, s.n, s.p)
	if err != nil {
		return Entry{}, fmt.Errorf("encrypting key %s: %w", address, err)
	}
	// The vote file first: a key without it counts as one that has voted.
	if fresh {
		if err := createVoted(dir, address); err != nil {
			return Entry{}, err
		}
	}
	path := filepath.Join(dir, fileName(address, time.Now()))
	if err := createFile(path, blob); err != nil {
		return Entry{}, err
	}
	return Entry{Address: address, Path: path}, nil
}

// fileName is the name that geth gives its key files.
func fileName(a common.Address, t time.Time) string {
	return fmt.Sprintf("UTC--%s--%x", t.UTC().Format("2006-01-02T15-04-05.000000000Z"), a[:])
}

// List returns the key files in dir by ascending address. Files of other kinds
// are passed over; a missing directory has none.
func List(dir string) ([]Entry, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, f := range files {
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxKeyFileBytes || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, f.Name())
		if a, ok := keyFileAddress(path); ok {
			out = append(out, Entry{Address: a, Path: path})
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return a.Address.Cmp(b.Address) })
	return out, nil
}

// keyFileAddress returns the address that a keystore v3 file names.
func keyFileAddress(path string) (common.Address, bool) {
	blob, err := os.ReadFile(path)
	if err != nil {
		return common.Address{}, false
	}
	var head struct {
		Address string          `json:"address"`
		Crypto  json.RawMessage `json:"crypto"`
	}
	if json.Unmarshal(blob, &head) != nil || len(head.Crypto) == 0 || !common.IsHexAddress(head.Address) {
		return common.Address{}, false
	}
	return common.HexToAddress(head.Address), true
}

// Find returns the key file of an address.
func Find(dir string, address common.Address) (Entry, error) {
	all, err := List(dir)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range all {
		if e.Address == address {
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("%w of %s in %s", ErrNoKey, address, dir)
}

// Only returns the single key file in dir; a node has one validator key.
func Only(dir string) (Entry, error) {
	all, err := List(dir)
	switch {
	case err != nil:
		return Entry{}, err
	case len(all) == 0:
		return Entry{}, fmt.Errorf("%w in %s", ErrNoKey, dir)
	case len(all) > 1:
		return Entry{}, fmt.Errorf("%d key files in %s, a validator has one: move the others away", len(all), dir)
	}
	return all[0], nil
}

// LoadKeystore unlocks the only key in dir with the password from a source, see
// ReadPassword.
func LoadKeystore(dir, source string) (*FileSigner, error) {
	e, err := Only(dir)
	if err != nil {
		return nil, err
	}
	password, err := ReadPassword(source)
	if err != nil {
		return nil, err
	}
	return e.Unlock(password)
}

// Unlock decrypts the key file.
func (e Entry) Unlock(password string) (*FileSigner, error) {
	blob, err := os.ReadFile(e.Path)
	if err != nil {
		return nil, err
	}
	key, err := keystore.DecryptKey(blob, password)
	if errors.Is(err, keystore.ErrDecrypt) {
		return nil, fmt.Errorf("unlocking %s: %w", e.Path, ErrPassword)
	}
	if err != nil {
		return nil, fmt.Errorf("unlocking %s: %w", e.Path, err)
	}
	s := NewFileSigner(key.PrivateKey)
	if s.Address() != e.Address {
		return nil, fmt.Errorf("%s says it holds %s, but holds %s", e.Path, e.Address, s.Address())
	}
	return s, nil
}

// WritePassword creates a password file with mode 0600.
func WritePassword(path, password string) error { return createFile(path, []byte(password+"\n")) }
