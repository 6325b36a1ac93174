package keys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Modes of what is secret.
const (
	secretFile = 0o600
	secretDir  = 0o700
)

// ErrExists is returned instead of overwriting a key.
var ErrExists = errors.New("file exists and is kept")

// writeFile replaces a file atomically and durably: written beside it,
// fsynced, renamed, the directory fsynced.
func writeFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(dir)
}

// createFile is writeFile for what must not be replaced.
func createFile(path string, data []byte) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	return writeFile(path, data)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
