//go:build !pkcs11

package keys

import (
	"errors"
	"log/slog"
)

// OpenHSM fails: PKCS#11 loads a library into the process, which not every network wants
// in its binary.
func OpenHSM(HSMConfig, *slog.Logger) (Signer, error) {
	return nil, errors.New("signer.module: this binary was built without PKCS#11; build it with: make build TAGS=pkcs11")
}
