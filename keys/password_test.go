package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPasswordSources: a file, an environment variable, a credential of the service;
// and what is said where none is.
func TestPasswordSources(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("of the service\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOME_PASSWORD", "of the environment\nkept whole")
	t.Setenv("NO_PASSWORD", "")
	t.Setenv(credentialsVariable, dir)
	for source, want := range map[string]string{
		filepath.Join(dir, "key"): "of the service",
		"env:SOME_PASSWORD":       "of the environment\nkept whole",
		"env:NO_PASSWORD":         "",
		"credential:key":          "of the service",
	} {
		if got, err := ReadPassword(source); got != want || err != nil {
			t.Errorf("%s: %q, %v", source, got, err)
		}
	}
	for source, want := range map[string]string{
		"env:MISSING_PASSWORD": `the environment variable "MISSING_PASSWORD" is not set`,
		"credential:other":     "credential other: open",
		"credential:../key":    "is no name of a credential",
		"credential:":          "is no name of a credential",
		"credential:..":        "is no name of a credential",
	} {
		if _, err := ReadPassword(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
	t.Setenv(credentialsVariable, "")
	if _, err := ReadPassword("credential:key"); err == nil || !strings.Contains(err.Error(), "LoadCredential=key:") {
		t.Errorf("outside of a service: %v", err)
	}
}
