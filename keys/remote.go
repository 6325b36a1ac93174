package keys

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// Times and sizes of a remote signer.
const (
	remoteTimeout = 2 * time.Second        // of one request: a local network and a hardware module behind it answer in milliseconds
	signRetry     = 100 * time.Millisecond // until a signer that does not answer is asked again; doubled up to
	signMaxRetry  = 2 * time.Second        // this: a validator that cannot sign is as good as absent, and must notice soon that it can
	remoteBytes   = 1 << 20                // of one answer: a signer with 4,000 keys lists them in half of it
)

// RemoteConfig says where a signer is that keeps a validator key, and who may ask it.
type RemoteConfig struct {
	URL     string         // https://HOST:PORT, or http:// on the loopback
	Address common.Address // of the key; zero: the signer has only one
	CA      string         // file of the CAs of its certificate, PEM; empty: those of the system
	Cert    string         // file of this node's certificate, PEM; empty: none is shown
	Key     string         // file of its private key, PEM
}

// RemoteSigner asks a signer that speaks the eth1 HTTP API of Web3Signer. That signer
// knows nothing of consensus: the sign guard, which keeps a vote from being
// contradicted, is on this side. Safe for concurrent use.
type RemoteSigner struct {
	base    string
	key     string // identifier: the public key, hex
	address common.Address
	client  *http.Client
	log     *slog.Logger
}

// errRefused is an answer that no repetition changes.
var errRefused = errors.New("the signer refuses")

// DialRemote connects to a signer and finds the key. Its errors name the URL.
func DialRemote(ctx context.Context, cfg RemoteConfig, log *slog.Logger) (*RemoteSigner, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("signer.url: %q is no URL as https://signer.example:9000", cfg.URL)
	}
	secure, err := cfg.tls()
	if err != nil {
		return nil, err
	}
	s := &RemoteSigner{
		base: strings.TrimSuffix(cfg.URL, "/") + "/api/v1/eth1/", log: log,
		client: &http.Client{Timeout: remoteTimeout, Transport: &http.Transport{
			TLSClientConfig: secure, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		}},
	}
	answer, err := s.ask(ctx, http.MethodGet, "publicKeys", nil)
	if err != nil {
		return nil, fmt.Errorf("remote signer %s: %w", cfg.URL, err)
	}
	var known []string
	if err := json.Unmarshal(answer, &known); err != nil {
		return nil, fmt.Errorf("remote signer %s: its list of public keys: %w", cfg.URL, err)
	}
	if err := s.choose(known, cfg.Address); err != nil {
		return nil, fmt.Errorf("remote signer %s: %w", cfg.URL, err)
	}
	return s, nil
}

// tls is mutual: the signer must know who asks.
func (cfg *RemoteConfig) tls() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return nil, fmt.Errorf("signer.ca: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("signer.ca: %s holds no certificate in PEM", cfg.CA)
		}
	}
	if (cfg.Cert == "") != (cfg.Key == "") {
		return nil, errors.New("signer.cert and signer.key belong together: one of them is empty")
	}
	if cfg.Cert != "" {
		pair, err := tls.LoadX509KeyPair(cfg.Cert, cfg.Key)
		if err != nil {
			return nil, fmt.Errorf("signer.cert: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// choose takes the key of an address, or the only one.
func (s *RemoteSigner) choose(known []string, want common.Address) error {
	var have []string
	for _, text := range known {
		raw, err := hexutil.Decode(text)
		if err != nil || len(raw) != 64 {
			return fmt.Errorf("%q is no public key of secp256k1 (64 bytes, hex)", text)
		}
		address := common.BytesToAddress(crypto.Keccak256(raw)[12:])
		if address == want || want == (common.Address{}) && len(known) == 1 {
			s.key, s.address = text, address
			return nil
		}
		have = append(have, address.Hex())
	}
	if want == (common.Address{}) {
		return fmt.Errorf("it has %d keys: say in signer.address which one is the validator's (%s)", len(known), strings.Join(have, ", "))
	}
	return fmt.Errorf("it has no key of %s, but of %s", want, strings.Join(have, ", "))
}

// Address returns the validator's address.
func (s *RemoteSigner) Address() common.Address { return s.address }

// Sign has keccak256(preimage) signed. A signer that cannot be reached is asked again
// until ctx ends: meanwhile the validator is silent, and goes on where it was.
func (s *RemoteSigner) Sign(ctx context.Context, preimage []byte) (consensus.Signature, error) {
	return insist(ctx, s.log, "remote signer "+s.base, func() (consensus.Signature, error) { return s.try(ctx, preimage) })
}

// insist asks a signer outside of this process until it signs or refuses, or ctx ends.
func insist(ctx context.Context, log *slog.Logger, who string, try func() (consensus.Signature, error)) (consensus.Signature, error) {
	for wait, silent := signRetry, false; ; wait = min(2*wait, signMaxRetry) {
		sig, err := try()
		switch {
		case err == nil && silent:
			log.Info("the signer answers again", "signer", who)
			fallthrough
		case err == nil, errors.Is(err, errRefused):
			return sig, err
		case !silent:
			log.Error("the signer does not answer: this validator is silent until it does", "signer", who, "err", err)
			silent = true
		}
		select {
		case <-ctx.Done():
			return consensus.Signature{}, fmt.Errorf("%s: %w", who, errors.Join(ctx.Err(), err))
		case <-time.After(wait):
		}
	}
}

// try asks once, and believes nothing that it has not checked.
func (s *RemoteSigner) try(ctx context.Context, preimage []byte) (sig consensus.Signature, err error) {
	body, err := json.Marshal(map[string]hexutil.Bytes{"data": preimage})
	if err != nil {
		return sig, err
	}
	answer, err := s.ask(ctx, http.MethodPost, "sign/"+s.key, body)
	if err != nil {
		return sig, err
	}
	raw, err := hexutil.Decode(strings.Trim(strings.TrimSpace(string(answer)), `"`))
	if err != nil || len(raw) != len(sig) {
		return sig, fmt.Errorf("%w: %.100q is no signature of 65 bytes in hex", errRefused, answer)
	}
	copy(sig[:], raw)
	if sig[64] >= 27 {
		sig[64] -= 27 // as Ethereum's transactions had it once
	}
	by, err := sig.Recover(preimage)
	if err == nil && by != s.address {
		err = fmt.Errorf("it is one of %s", by)
	}
	if err != nil {
		return consensus.Signature{}, fmt.Errorf("%w: what it sent is no signature of %s: %w", errRefused, s.address, err)
	}
	return sig, nil
}

// ask sends one request. An answer that says no is errRefused, one that says later is
// not.
func (s *RemoteSigner) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, remoteBytes))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%s: %.200s", res.Status, answer)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s: %.200s", errRefused, res.Status, answer)
	}
	return answer, nil
}
