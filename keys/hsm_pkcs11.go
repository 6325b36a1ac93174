//go:build pkcs11

package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/miekg/pkcs11"

	"github.com/quorate/quorate/consensus"
)

// maxTokenKeys bounds how many keys of a token are looked at.
const maxTokenKeys = 1000

// secp256k1 is the curve as a token names it: the DER of OID 1.3.132.0.10 (SEC 2, A.2.1).
var secp256k1 = []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a}

// HSMSigner signs with a key that never leaves a hardware security module. The sign
// guard, which keeps a vote from being contradicted, is on this side. Safe for
// concurrent use: a session does one thing at a time.
type HSMSigner struct {
	cfg HSMConfig
	log *slog.Logger

	mu      sync.Mutex
	module  *pkcs11.Ctx
	session pkcs11.SessionHandle
	private pkcs11.ObjectHandle
	open    bool
	address common.Address
}

// OpenHSM loads the module, logs in and finds the key. Its errors name the module and the
// token.
func OpenHSM(cfg HSMConfig, log *slog.Logger) (Signer, error) {
	s := &HSMSigner{cfg: cfg, log: log, module: pkcs11.New(cfg.Module)}
	if s.module == nil {
		return nil, fmt.Errorf("signer.module: %s cannot be loaded as a PKCS#11 library", cfg.Module)
	}
	if err := s.module.Initialize(); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		return nil, fmt.Errorf("signer.module: %s: %w", cfg.Module, err)
	}
	if err := s.login(); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	return s, nil
}

// String names the signer in errors and logs.
func (s *HSMSigner) String() string {
	if s.cfg.Token == "" {
		return "the token of " + s.cfg.Module
	}
	return fmt.Sprintf("token %q of %s", s.cfg.Token, s.cfg.Module)
}

// Address returns the validator's address.
func (s *HSMSigner) Address() common.Address { return s.address }

// Sign has keccak256(preimage) signed. A token that fails is tried again, in a new
// session, until ctx ends: meanwhile the validator is silent, and goes on where it was.
func (s *HSMSigner) Sign(ctx context.Context, preimage []byte) (consensus.Signature, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return insist(ctx, s.log, s.String(), func() (consensus.Signature, error) { return s.try(preimage) })
}

// try signs in the session that is open, and if that fails in a new one: a token forgets
// its sessions when it is reset.
func (s *HSMSigner) try(preimage []byte) (sig consensus.Signature, err error) {
	if s.open {
		if sig, err = s.sign(preimage); err == nil {
			return sig, nil
		}
		s.open = false
		_ = s.module.CloseSession(s.session) // it may be gone already
	}
	if err = s.login(); err != nil {
		return sig, err
	}
	return s.sign(preimage)
}

func (s *HSMSigner) sign(preimage []byte) (consensus.Signature, error) {
	if err := s.module.SignInit(s.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}, s.private); err != nil {
		return consensus.Signature{}, err
	}
	raw, err := s.module.Sign(s.session, crypto.Keccak256(preimage))
	if err != nil {
		return consensus.Signature{}, err
	}
	return readSignature(raw, preimage, s.address)
}

// login opens a session on the token and finds the key in it, which after the first time
// must be the same one.
func (s *HSMSigner) login() (err error) {
	slot, err := s.slot()
	if err != nil {
		return err
	}
	pin, err := ReadPassword(s.cfg.PIN)
	if err != nil {
		return err
	}
	if s.session, err = s.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION); err != nil {
		return err
	}
	defer func() {
		if s.open = err == nil; !s.open {
			_ = s.module.CloseSession(s.session) // the error before says more
		}
	}()
	if err = s.module.Login(s.session, pkcs11.CKU_USER, pin); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return fmt.Errorf("the PIN that password names: %w", err)
	}
	known, err := s.keys()
	if err != nil {
		return err
	}
	want := s.cfg.Address
	if s.address != (common.Address{}) {
		want = s.address
	}
	key, err := chooseKey(known, want)
	if err != nil {
		return err
	}
	private, err := s.find(pkcs11.CKO_PRIVATE_KEY, pkcs11.NewAttribute(pkcs11.CKA_ID, key.id))
	if err != nil {
		return err
	}
	if len(private) != 1 {
		return fmt.Errorf("%d private keys have the id %x of the public key of %s", len(private), key.id, key.address)
	}
	s.private, s.address = private[0], key.address
	return nil
}

// slot returns where the token is.
func (s *HSMSigner) slot() (uint, error) {
	slots, err := s.module.GetSlotList(true)
	if err != nil {
		return 0, err
	}
	var labels []string
	var found []uint
	for _, slot := range slots {
		info, err := s.module.GetTokenInfo(slot)
		if err != nil || info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			continue // another reader's, or an empty one
		}
		label := strings.TrimRight(info.Label, " \x00")
		labels = append(labels, label)
		if s.cfg.Token == "" || s.cfg.Token == label {
			found = append(found, slot)
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("signer.token: %d tokens fit, one must; there are %q", len(found), labels)
	}
	return found[0], nil
}

// keys returns the public keys of secp256k1 on the token.
func (s *HSMSigner) keys() (out []tokenKey, err error) {
	handles, err := s.find(pkcs11.CKO_PUBLIC_KEY, pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_EC), pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, secp256k1))
	if err != nil {
		return nil, err
	}
	for _, h := range handles {
		attributes, err := s.module.GetAttributeValue(s.session, h, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ID, nil), pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil)})
		if err != nil {
			return nil, err
		}
		public, err := readPoint(attributes[1].Value)
		if err != nil {
			return nil, fmt.Errorf("the public key with id %x: %w", attributes[0].Value, err)
		}
		out = append(out, tokenKey{id: attributes[0].Value, address: crypto.PubkeyToAddress(*public)})
	}
	return out, nil
}

func (s *HSMSigner) find(class uint, with ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := s.module.FindObjectsInit(s.session, append(with, pkcs11.NewAttribute(pkcs11.CKA_CLASS, class))); err != nil {
		return nil, err
	}
	found, _, err := s.module.FindObjects(s.session, maxTokenKeys)
	return found, errors.Join(err, s.module.FindObjectsFinal(s.session))
}
