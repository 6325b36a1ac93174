package access

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
)

// secrets is one state of all files.
type secrets struct {
	digest [sha256.Size]byte // of the files
	tokens *tokens           // nil: there are none
	tls    *tls.Config       // nil: no TLS

	trusted *lru.Cache[[sha256.Size]byte, bool] // client certificates that these CAs have verified, by digest
}

// files are those that are read, and read again.
func (c *Config) files() []string {
	out := slices.Clone(c.TokenKeys)
	for _, f := range []string{c.TLSCert, c.TLSKey, c.ClientCA} {
		if f != "" {
			out = append(out, f)
		}
	}
	return out
}

// load reads all files once, so that what is made of them is of one moment.
func load(cfg *Config, limits Limits) (*secrets, error) {
	files := make(map[string][]byte)
	h := sha256.New()
	var errs []error
	for _, path := range cfg.files() {
		data, err := readFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("JSON-RPC: %w", err))
			continue
		}
		files[path] = data
		one := sha256.Sum256(data)
		h.Write(one[:])
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := new(secrets)
	h.Sum(s.digest[:0])
	var keyErr, tlsErr error
	s.tokens, keyErr = newTokens(cfg, limits, files)
	s.tls, tlsErr = newTLS(cfg, files)
	var err error
	s.trusted, err = lru.New[[sha256.Size]byte, bool](limits.Callers)
	return s, errors.Join(keyErr, tlsErr, err)
}

// trusts reports whether the CAs, as last read, stand for a client certificate. The
// handshake asked those of its time, and a connection lasts.
func (s *secrets) trusts(chain []*x509.Certificate) bool {
	if s.tls == nil {
		return false
	}
	digest := sha256.Sum256(chain[0].Raw)
	if ok, _ := s.trusted.Get(digest); ok {
		return true
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: s.tls.ClientCAs, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err == nil {
		s.trusted.Add(digest, true)
	}
	return err == nil
}

// newTLS returns nil if there is no certificate. HTTP/2 stays out: one connection
// is one request at a time, which is what the bounds on connections count on. So
// do tickets: with one, a client would come back under a CA that was taken out.
func newTLS(cfg *Config, files map[string][]byte) (*tls.Config, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair(files[cfg.TLSCert], files[cfg.TLSKey])
	if err != nil {
		return nil, fmt.Errorf("rpc.tls.cert and rpc.tls.key: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true}
	if cfg.ClientCA == "" {
		return c, nil
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(files[cfg.ClientCA]) {
		return nil, fmt.Errorf("rpc.tls.client_ca: %s has no certificate in PEM", cfg.ClientCA)
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	if cfg.Client == ClientRequired {
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// TLS returns the configuration of the listener, nil for plain HTTP. Every
// handshake uses the files as they were last read.
func (g *Guard) TLS() *tls.Config {
	first := g.now.Load().tls
	if first == nil {
		return nil
	}
	out := first.Clone()
	out.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return g.now.Load().tls, nil }
	return out
}
