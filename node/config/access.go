package config

import "github.com/quorate/quorate/rpc/access"

// accessSettings say who may call JSON-RPC, from where, and how it is encrypted.
// What does not fit together, access.Config finds.
var accessSettings = []Setting{
	{"rpc.allow_open", "no", "yes: debug_ and ots_ may be open to everybody who reaches rpc.addr", false, one(func(c *Config, v string) (err error) {
		c.RPCOpen, err = parseYes(v)
		return err
	})},
	{"rpc.hosts", "localhost", "names under which JSON-RPC is called, against DNS rebinding; IP addresses always are, * is any name", true, texts(func(c *Config) *[]string { return &c.Web.Hosts })},
	{"rpc.cors_origins", "", "origins of web pages that may call over HTTP, * for any", true, texts(func(c *Config) *[]string { return &c.Web.CORSOrigins })},
	{"rpc.ws_origins", "", "origins of web pages that may open a WebSocket, * for any; empty: pages of this machine", true, texts(func(c *Config) *[]string { return &c.Web.WSOrigins })},
	{"rpc.tls.cert", "", "file of the certificate chain of JSON-RPC, PEM; empty: no TLS", false, text(func(c *Config) *string { return &c.Access.TLSCert })},
	{"rpc.tls.key", "", "file of its private key, PEM", false, text(func(c *Config) *string { return &c.Access.TLSKey })},
	{"rpc.tls.client_ca", "", "file of the CAs of client certificates, PEM; empty: none are asked for", false, text(func(c *Config) *string { return &c.Access.ClientCA })},
	{"rpc.tls.client", access.ClientOptional, "whether a client must have a certificate: optional or required", false, one(func(c *Config, v string) (err error) {
		c.Access.Client, err = parseChoice(v, access.ClientOptional, access.ClientRequired)
		return err
	})},
	{"rpc.auth.jwt_keys", "", "files of keys that bearer tokens are checked with: RSA (RS256) or P-256 (ES256) public keys in PEM, or secrets in hex (HS256)", true, texts(func(c *Config) *[]string { return &c.Access.TokenKeys })},
	{"rpc.auth.jwt_audience", "", "audience that a token must name; empty: a token that names one is refused", false, text(func(c *Config) *string { return &c.Access.Audience })},
	{"rpc.auth.jwt_issuer", "", "issuer that a token must have; empty: any", false, text(func(c *Config) *string { return &c.Access.Issuer })},
	{"rpc.auth.certificates", "", "what holders of client certificates may call, NAME=PERMISSION PERMISSION… each; NAME is the common name or an alternative name", true, texts(func(c *Config) *[]string { return &c.Access.Certificates })},
	{"rpc.auth.anonymous", access.Auto, "what callers without token and certificate may call, as eth:*,net:*; auto: everything while there are no jwt_keys and no client_ca, nothing then", true, texts(func(c *Config) *[]string { return &c.Access.Anonymous })},
}

// texts makes a setter that takes any strings.
func texts(to func(c *Config) *[]string) func(*Config, []string) error {
	return func(c *Config, v []string) error { *to(c) = append([]string(nil), v...); return nil }
}

// parseYes reads yes or no.
func parseYes(s string) (bool, error) {
	s, err := parseChoice(s, "yes", "no")
	return s == "yes", err
}
