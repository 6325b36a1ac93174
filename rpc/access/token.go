package access

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

// maxName bounds what a caller is called, in bytes: it is kept and logged.
const maxName = 128

// claims are what a token says. The names are the registered ones, and Besu's.
type claims struct {
	jwt.RegisteredClaims
	Permissions []string `json:"permissions"`
}

// verified is a token that was good when it was first seen.
type verified struct {
	name        string
	permissions Permissions
	from, until time.Time // from is zero for at once
}

// tokens verifies tokens with one state of the key files, and remembers those
// that were good: a signature is checked once.
type tokens struct {
	keys   map[string][]jwt.VerificationKey // by algorithm
	parser *jwt.Parser
	leeway time.Duration
	max    int // bytes of a token
	known  *lru.Cache[[sha256.Size]byte, *verified]
}

// newTokens returns nil if there is no key.
func newTokens(cfg *Config, limits Limits, files map[string][]byte) (*tokens, error) {
	if len(cfg.TokenKeys) == 0 {
		return nil, nil
	}
	t := &tokens{keys: make(map[string][]jwt.VerificationKey), leeway: limits.Leeway, max: limits.TokenBytes}
	var errs []error
	var algorithms []string
	for _, path := range cfg.TokenKeys {
		alg, key, err := verifier(files[path])
		if err != nil {
			errs = append(errs, fmt.Errorf("rpc.auth.jwt_keys: %s: %w", path, err))
			continue
		}
		t.keys[alg] = append(t.keys[alg], key)
		algorithms = append(algorithms, alg)
	}
	options := []jwt.ParserOption{jwt.WithValidMethods(algorithms), jwt.WithExpirationRequired(), jwt.WithLeeway(limits.Leeway)}
	if cfg.Audience != "" {
		options = append(options, jwt.WithAudience(cfg.Audience))
	}
	if cfg.Issuer != "" {
		options = append(options, jwt.WithIssuer(cfg.Issuer))
	}
	t.parser = jwt.NewParser(options...)
	var err error
	t.known, err = lru.New[[sha256.Size]byte, *verified](limits.Callers)
	return t, errors.Join(append(errs, err)...)
}

// recall returns a token that was verified before, or nil. It costs no signature.
func (t *tokens) recall(digest [sha256.Size]byte) *verified {
	v, _ := t.known.Get(digest)
	return v
}

// verify checks a token that was not seen before.
func (t *tokens) verify(token string, digest [sha256.Size]byte, audience bool) (*verified, error) {
	var c claims
	if _, err := t.parser.ParseWithClaims(token, &c, t.key); err != nil {
		return nil, plain(err)
	}
	if !audience && len(c.Audience) > 0 {
		return nil, errors.New("the token is for an audience, and this node has none (rpc.auth.jwt_audience)")
	}
	p, err := ParsePermissions(c.Permissions)
	if err != nil {
		return nil, err
	}
	if len(c.Subject) > maxName {
		return nil, fmt.Errorf("the subject has %d bytes, at most %d are read", len(c.Subject), maxName)
	}
	v := &verified{name: c.Subject, permissions: p, until: c.ExpiresAt.Add(t.leeway)}
	if v.name == "" { // as Besu's tokens
		v.name = "#" + hex.EncodeToString(digest[:4])
	}
	if c.NotBefore != nil {
		v.from = c.NotBefore.Add(-t.leeway)
	}
	t.known.Add(digest, v)
	return v, nil
}

// key returns the keys of the algorithm that a token claims, which are of that
// kind; the parser refused every other algorithm before.
func (t *tokens) key(token *jwt.Token) (any, error) {
	if _, critical := token.Header["crit"]; critical {
		return nil, errors.New("the token has critical extensions, none is known here")
	}
	return jwt.VerificationKeySet{Keys: slices.Clone(t.keys[token.Method.Alg()])}, nil
}

// texts say why a token is refused; the library's own texts show what it tried.
var texts = []struct {
	is   error
	text string
}{
	{jwt.ErrTokenMalformed, "the token is no JWT"},
	{jwt.ErrTokenSignatureInvalid, "the token's signature is not that of a known key, or its algorithm is not that of one"},
	{jwt.ErrTokenUnverifiable, "the token cannot be verified"},
	{jwt.ErrTokenExpired, "the token has expired"},
	{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
	{jwt.ErrTokenInvalidAudience, "the token is for another audience"},
	{jwt.ErrTokenInvalidIssuer, "the token is of another issuer"},
	{jwt.ErrTokenRequiredClaimMissing, "the token lacks a claim: exp is needed, and aud and iss where the node expects them"},
}

func plain(err error) error {
	for _, t := range texts {
		if errors.Is(err, t.is) {
			return errors.New(t.text)
		}
	}
	return errors.New("the token is not valid")
}

// Grant is what a new token says.
type Grant struct {
	Subject     string // who it is for; rate limits count by it
	Permissions []string
	Audience    string // "" = none
	Issuer      string // "" = none
	From        time.Time
	Until       time.Time
}

// Issue makes a token with the key in a file: a private key in PEM, or a shared
// secret in hex.
func Issue(keyFile string, g Grant) (string, error) {
	data, err := readFile(keyFile)
	if err != nil {
		return "", err
	}
	alg, key, err := signer(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", keyFile, err)
	}
	if _, err := ParsePermissions(g.Permissions); err != nil {
		return "", err
	}
	c := claims{Permissions: g.Permissions, RegisteredClaims: jwt.RegisteredClaims{
		Subject: g.Subject, Issuer: g.Issuer, IssuedAt: jwt.NewNumericDate(g.From), ExpiresAt: jwt.NewNumericDate(g.Until),
	}}
	if g.Audience != "" {
		c.Audience = jwt.ClaimStrings{g.Audience}
	}
	return jwt.NewWithClaims(jwt.GetSigningMethod(alg), c).SignedString(key)
}
