package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Auto, as the only permission of anonymous callers, grants everything while
// nobody can be told apart, and nothing as soon as tokens or certificates can.
const Auto = "auto"

// What is asked of a client when its CA is known.
const (
	ClientOptional = "optional" // a certificate is verified if there is one
	ClientRequired = "required" // no connection without one
)

// Config says who is known and what they may do. Paths are absolute.
type Config struct {
	Anonymous    []string // permissions of callers without token and certificate, or Auto
	TokenKeys    []string // files: a public key in PEM, or a shared secret of at least 32 bytes in hex
	Audience     string   // that tokens must name; "" = a token that names one is refused
	Issuer       string   // that tokens must have; "" = any
	Certificates []string // NAME=PERMISSION PERMISSION…, NAME a common name or an alternative name
	TLSCert      string   // file of the server's certificate chain, PEM; "" = no TLS
	TLSKey       string   // file of its key, PEM
	ClientCA     string   // file of the CAs of client certificates, PEM; "" = none are asked for
	Client       string   // ClientOptional or ClientRequired; only with ClientCA
}

// Limits bound what callers can take. All are settings of package rpc.
type Limits struct {
	Rate        int           // calls a second of one caller; 0 = no limit
	Burst       int           // calls at once
	Heavy       int           // heavy calls of one caller at once; 0 = no limit
	Callers     int           // callers, and verified tokens, that are remembered
	TokenBytes  int           // a token
	Leeway      time.Duration // of clocks, on exp and nbf
	ReloadEvery time.Duration // between two looks at the files
}

// maxKeys bounds the keys that a token is tried against: two are needed to
// change one, and an issuer or two more.
const maxKeys = 8

// known reports whether callers can be told apart.
func (c *Config) known() bool { return len(c.TokenKeys) > 0 || c.ClientCA != "" }

// anonymous returns what callers without credentials may do.
func (c *Config) anonymous() (Permissions, error) {
	if slices.Equal(c.Anonymous, []string{Auto}) {
		return Permissions{all: !c.known()}, nil
	}
	p, err := ParsePermissions(c.Anonymous)
	if err != nil {
		return p, fmt.Errorf("rpc.auth.anonymous: %w", err)
	}
	return p, nil
}

// Validate reports everything that cannot work, all at once. It opens no file.
func (c *Config) Validate() error {
	_, err := c.anonymous()
	errs := []error{err}
	if _, err := c.certificates(); err != nil {
		errs = append(errs, err)
	}
	bad := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, errors.New(text))
		}
	}
	bad(len(c.TokenKeys) > maxKeys, fmt.Sprintf("rpc.auth.jwt_keys has %d files, at most %d are tried", len(c.TokenKeys), maxKeys))
	bad(len(c.TokenKeys) == 0 && c.Audience+c.Issuer != "", "rpc.auth.jwt_audience and rpc.auth.jwt_issuer need rpc.auth.jwt_keys: without a key no token is read")
	bad((c.TLSCert == "") != (c.TLSKey == ""), "rpc.tls.cert and rpc.tls.key belong together: give both, or none")
	bad(c.ClientCA != "" && c.TLSCert == "", "rpc.tls.client_ca needs rpc.tls.cert and rpc.tls.key: there are no certificates without TLS")
	bad(len(c.Certificates) > 0 && c.ClientCA == "", "rpc.auth.certificates needs rpc.tls.client_ca: without it no certificate is believed")
	return errors.Join(errs...)
}

// Permissions returns those that the configuration gives, as they are written.
func (c *Config) Permissions() []string {
	var out []string
	if !slices.Equal(c.Anonymous, []string{Auto}) {
		out = slices.Clone(c.Anonymous)
	}
	for _, s := range c.Certificates {
		out = append(out, strings.Fields(s[strings.LastIndexByte(s, '=')+1:])...)
	}
	return out
}

// guarded are the namespaces that execute final transactions again, for seconds:
// whoever reaches them can keep the processors of a node busy.
var guarded = []string{"debug", "ots"}

// Exposed returns the guarded namespaces that callers without credentials reach.
func (c *Config) Exposed() []string {
	p, err := c.anonymous()
	if err != nil || c.ClientCA != "" && c.Client == ClientRequired {
		return nil
	}
	var out []string
	for _, ns := range guarded {
		if p.Reaches(ns) {
			out = append(out, ns)
		}
	}
	return out
}

// named is what the holder of a certificate may do.
type named struct {
	name        string
	permissions Permissions
}

// certificates reads the names, in the order of the configuration.
func (c *Config) certificates() ([]named, error) {
	var out []named
	var errs []error
	for _, s := range c.Certificates {
		at := strings.LastIndexByte(s, '=')
		if at <= 0 {
			errs = append(errs, fmt.Errorf("rpc.auth.certificates: %.80q: NAME=PERMISSION PERMISSION… is expected, as in wallet.example.org=eth:* net:*", s))
			continue
		}
		p, err := ParsePermissions(strings.Fields(s[at+1:]))
		if err != nil {
			errs = append(errs, fmt.Errorf("rpc.auth.certificates: %s: %w", s[:at], err))
		}
		if slices.ContainsFunc(out, func(n named) bool { return n.name == s[:at] }) {
			errs = append(errs, fmt.Errorf("rpc.auth.certificates: %s is there twice", s[:at]))
		}
		out = append(out, named{s[:at], p})
	}
	return out, errors.Join(errs...)
}
