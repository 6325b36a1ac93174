package keys

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Sources of a password that are no files.
const (
	fromEnv        = "env:"        // and the name of an environment variable
	fromCredential = "credential:" // and the name of a credential of the service (systemd.exec(5), LoadCredential=)
)

// credentialsVariable is where systemd says in which folder a service finds its
// credentials; only that service can read it, and it is never on a disk.
const credentialsVariable = "CREDENTIALS_DIRECTORY"

// PasswordFile reports whether a source of a password is a file.
func PasswordFile(source string) bool {
	return !strings.HasPrefix(source, fromEnv) && !strings.HasPrefix(source, fromCredential)
}

// ReadPassword returns the password that a source names: the first line of a file,
// without its line end; env:NAME, an environment variable; or credential:NAME, the
// first line of a credential that systemd has given to this service.
func ReadPassword(source string) (string, error) {
	if name, ok := strings.CutPrefix(source, fromEnv); ok {
		password, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("password: the environment variable %q is not set", name)
		}
		return password, nil
	}
	if name, ok := strings.CutPrefix(source, fromCredential); ok {
		return credential(name)
	}
	return firstLine(source, "password file")
}

func credential(name string) (string, error) {
	dir := os.Getenv(credentialsVariable)
	switch {
	case name == "" || name != filepath.Base(name) || !filepath.IsLocal(name):
		return "", fmt.Errorf("password: %q is no name of a credential", name)
	case dir == "":
		return "", fmt.Errorf("password: credential %s: $%s is not set; systemd sets it for a unit with LoadCredential=%s:FILE or LoadCredentialEncrypted=", name, credentialsVariable, name)
	}
	return firstLine(filepath.Join(dir, name), "credential "+name)
}

func firstLine(path, what string) (string, error) {
	blob, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	line, _, _ := strings.Cut(string(blob), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}
