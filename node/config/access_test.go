package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOpenAddresses: what can hurt is not open to a network by an oversight; the
// error names the flag that allows it, and with it, or with somebody to tell apart,
// the node starts.
func TestOpenAddresses(t *testing.T) {
	const rpcFlag, adminFlag = "--rpc-allow-open=yes", "--admin-allow-open=yes"
	for _, row := range []struct {
		name  string
		flags map[string]string
		want  string // in the error; "" = none
	}{
		{"this machine", nil, ""},
		{"this machine by name", map[string]string{"rpc.addr": "localhost", "admin.addr": "LOCALHOST"}, ""},
		{"loopback of IPv6", map[string]string{"rpc.addr": "::1", "admin.addr": "127.0.0.7"}, ""},
		{"everywhere", map[string]string{"rpc.addr": "0.0.0.0"}, rpcFlag},
		{"everywhere, IPv6", map[string]string{"rpc.addr": "::"}, rpcFlag},
		{"an address of a network", map[string]string{"rpc.addr": "10.0.0.1"}, rpcFlag},
		{"a name", map[string]string{"rpc.addr": "node.example.org"}, rpcFlag},
		{"allowed", map[string]string{"rpc.addr": "0.0.0.0", "rpc.allow_open": "yes"}, ""},
		{"what everybody may call is harmless", map[string]string{"rpc.addr": "0.0.0.0", "rpc.auth.anonymous": "eth:*,net:*"}, ""},
		{"it is nothing", map[string]string{"rpc.addr": "0.0.0.0", "rpc.auth.anonymous": ""}, ""},
		{"one trace", map[string]string{"rpc.addr": "0.0.0.0", "rpc.auth.anonymous": "eth:*,debug:traceCall"}, "debug_*"},
		{"some traces", map[string]string{"rpc.addr": "0.0.0.0", "rpc.auth.anonymous": "ots:trace*"}, "ots_*"},
		{"tokens", map[string]string{"rpc.addr": "0.0.0.0", "rpc.auth.jwt_keys": "token.pub"}, ""},
		{"tokens, and everything for everybody", map[string]string{"rpc.addr": "0.0.0.0", "rpc.auth.jwt_keys": "token.pub", "rpc.auth.anonymous": "*:*"}, rpcFlag},
		{"certificates", map[string]string{"rpc.addr": "0.0.0.0", "rpc.tls.cert": "c", "rpc.tls.key": "k", "rpc.tls.client_ca": "ca"}, ""},
		{"certificates may be left out", map[string]string{"rpc.addr": "0.0.0.0", "rpc.tls.cert": "c", "rpc.tls.key": "k", "rpc.tls.client_ca": "ca", "rpc.auth.anonymous": "*:*"}, rpcFlag},
		{"certificates may not", map[string]string{"rpc.addr": "0.0.0.0", "rpc.tls.cert": "c", "rpc.tls.key": "k", "rpc.tls.client_ca": "ca", "rpc.tls.client": "required", "rpc.auth.anonymous": "*:*"}, ""},
		{"TLS alone knows nobody", map[string]string{"rpc.addr": "0.0.0.0", "rpc.tls.cert": "c", "rpc.tls.key": "k"}, rpcFlag},
		{"admin everywhere", map[string]string{"admin.addr": "0.0.0.0"}, adminFlag},
		{"admin allowed", map[string]string{"admin.addr": "0.0.0.0", "admin.allow_open": "yes"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := Load(t.TempDir(), nil, row.flags)
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("want %q, got %v", row.want, err)
			}
		})
	}
}

// TestAccessSettings: lists come from files, variables and flags, paths start at
// the folder, and what does not fit together is told all at once.
func TestAccessSettings(t *testing.T) {
	dir := writeConfig(t, `[rpc]
hosts = ["localhost", "node.example.org"]
[rpc.tls]
cert = "tls.pem"
key = "/etc/tls.key"
client_ca = "ca.pem"
[rpc.auth]
jwt_keys = ["a.pub", "/etc/b.pub"]
certificates = ["ops, night shift=*:*", "wallet=eth:* net:*"]
`)
	c, _, err := Load(dir, []string{"QUORATE_RPC_AUTH_ANONYMOUS=net:version, web3:*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := c.Access
	if a.TLSCert != filepath.Join(dir, "tls.pem") || a.TLSKey != "/etc/tls.key" || a.ClientCA != filepath.Join(dir, "ca.pem") ||
		!slices.Equal(a.TokenKeys, []string{filepath.Join(dir, "a.pub"), "/etc/b.pub"}) ||
		!slices.Equal(a.Certificates, []string{"ops, night shift=*:*", "wallet=eth:* net:*"}) ||
		!slices.Equal(a.Anonymous, []string{"net:version", "web3:*"}) || !slices.Equal(c.Web.Hosts, []string{"localhost", "node.example.org"}) {
		t.Errorf("%+v %+v", a, c.Web)
	}
	_, _, err = Load(t.TempDir(), nil, map[string]string{
		"rpc.tls.cert": "c", "rpc.tls.client_ca": "", "rpc.auth.certificates": "x", "rpc.auth.jwt_issuer": "i", "rpc.auth.anonymous": "eth_call", "rpc.allow_open": "true",
	})
	for _, want := range []string{`rpc.allow_open: "true" is not one of yes, no`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	_, _, err = Load(t.TempDir(), nil, map[string]string{
		"rpc.tls.cert": "c", "rpc.auth.certificates": "x,a=eth:*,a=net:*", "rpc.auth.jwt_issuer": "i", "rpc.auth.anonymous": "eth_call",
	})
	for _, want := range []string{
		"rpc.tls.cert and rpc.tls.key belong together", `rpc.auth.certificates: "x": NAME=PERMISSION`, "rpc.auth.certificates: a is there twice",
		"need rpc.auth.jwt_keys", `rpc.auth.anonymous: "eth_call" is no permission: NAMESPACE:METHOD is expected`, "rpc.auth.certificates needs rpc.tls.client_ca",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
