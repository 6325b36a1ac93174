package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/quorate/quorate/node/devnet"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/access"
)

// accessNode is a node of one validator that runs, with a key for tokens.
func accessNode(t *testing.T) (n *Node, key string) {
	t.Helper()
	s, err := devnet.Spec{Validators: 1, Timestamp: 1, Host: "127.0.0.1", Ports: devnet.Ports{RPC: freePort(t), P2P: freePort(t), Admin: freePort(t)}}.Devnet()
	if err != nil {
		t.Fatal(err)
	}
	network, err := devnet.Generate(t.Context(), filepath.Join(t.TempDir(), "net"), s)
	if err != nil {
		t.Fatal(err)
	}
	key = filepath.Join(t.TempDir(), "hs")
	if err := os.WriteFile(key, []byte(strings.Repeat("7f", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := network.Nodes[0].Config
	cfg.Access.TokenKeys, cfg.Access.Anonymous = []string{key}, rolePermissions['A']
	if n, err = Build(cfg, slog.New(slog.DiscardHandler), Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-n.rpc.Ready():
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	return n, key
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// verdict is what an answer says: refused for want of permission, not there, or
// anything else, which means that the call got in.
func verdict(t *testing.T, answer []byte) string {
	t.Helper()
	var a struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.Result == nil && a.Error == nil {
		t.Fatalf("no answer: %q %v", answer, err)
	}
	switch {
	case a.Error != nil && a.Error.Code == rpc.CodeUnauthorized:
		return "refused"
	case a.Error != nil && strings.HasSuffix(a.Error.Message, "does not exist/is not available"):
		return "not there"
	}
	return "in"
}

// foreign are methods of other nodes, and tricks with names. Nobody gets one.
var foreign = []string{
	"admin_addPeer", "admin_nodeInfo", "personal_sign", "eth_sendTransaction", "eth_sign", "debug_setHead", "miner_start", "engine_newPayloadV4", "perm_addNodesToAllowlist",
	"ETH_call", "eth_Call", " eth_call", "eth_call ", "eth__call", "eth:call", "eth.call", "call", "_", "rpc.discover", "debug_traceCall\x00", "x_debug_traceCall",
}

// TestMatrix sends every method as every role, over HTTP, in a batch, and over
// WebSocket: the table says who gets in, and nobody else does.
func TestMatrix(t *testing.T) {
	n, key := accessNode(t)
	methods := n.rpc.Methods()
	if table := slices.Sorted(maps.Keys(mayCall)); !slices.Equal(methods, table) {
		t.Fatalf("the table of methods and roles is not that of the node.\nwithout a row: %q\nwithout a method: %q", without(methods, table), without(table, methods))
	}
	served := "http://" + n.rpc.Addr().String()
	checked := 0
	for _, role := range []byte("ARWOX") {
		token := ""
		if role != 'A' {
			signed, err := access.Issue(key, access.Grant{Subject: string(role), Permissions: rolePermissions[role], From: time.Now(), Until: time.Now().Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			token = "Bearer " + signed
		}
		want := func(method string) string {
			allowed, exists := mayCall[method]
			switch {
			case !exists && role == 'X':
				return "not there"
			case role == 'X' || strings.IndexByte(allowed, role) >= 0:
				return "in"
			case !exists && grants(role, method):
				return "not there"
			}
			return "refused"
		}
		all := slices.Concat(methods, foreign)
		check := func(door, method string, answer []byte) {
			checked++
			if got := verdict(t, answer); got != want(method) {
				t.Errorf("%c calls %s over %s: %s, want %s\n%s", role, method, door, got, want(method), answer)
			}
		}
		for _, m := range all {
			check("HTTP", m, postBody(t, served, token, callOf(m)))
		}
		var batch []json.RawMessage
		calls := make([]string, len(all))
		for i, m := range all {
			calls[i] = callOf(m)
		}
		if err := json.Unmarshal(postBody(t, served, token, "["+strings.Join(calls, ",")+"]"), &batch); err != nil || len(batch) != len(all) {
			t.Fatalf("%d answers to %d calls: %v", len(batch), len(all), err)
		}
		for i, m := range all {
			check("a batch", m, batch[i])
		}
		conn := openSocket(t, served, token)
		for _, m := range all {
			if err := conn.WriteMessage(websocket.TextMessage, []byte(callOf(m))); err != nil {
				t.Fatal(err)
			}
			_, answer, err := conn.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			check("WebSocket", m, answer)
		}
		conn.Close()
	}
	t.Logf("%d calls of %d methods and %d that do not exist", checked, len(methods), len(foreign))
}

// TestDoorMatrix goes through every door beside JSON-RPC as every role.
func TestDoorMatrix(t *testing.T) {
	n, key := accessNode(t)
	if doors, table := n.rpc.Doors(), slices.Sorted(maps.Keys(mayEnter)); !slices.Equal(doors, table) {
		t.Fatalf("the table of doors and roles is not that of the node.\nwithout a row: %q\nwithout a door: %q", without(doors, table), without(table, doors))
	}
	for door, allowed := range mayEnter {
		for _, role := range []byte("ARWOX") {
			want := http.StatusForbidden
			if role == 'X' || strings.IndexByte(allowed, role) >= 0 {
				want = http.StatusOK
			}
			ctx, cancel := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.rpc.Addr().String()+"/"+strings.Replace(door, "_", "/", 1)+"?from=0", nil)
			if err != nil {
				t.Fatal(err)
			}
			if role != 'A' {
				signed, err := access.Issue(key, access.Grant{Subject: string(role), Permissions: rolePermissions[role], From: time.Now(), Until: time.Now().Add(time.Hour)})
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+signed)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != want {
				t.Errorf("%c at %s: %s, want %d", role, door, resp.Status, want)
			}
			cancel()
			resp.Body.Close()
		}
	}
}

// grants reports whether a role's permissions include a name that does not exist:
// eth:* has eth_sendTransaction. Then the node says that it is not there.
func grants(role byte, method string) bool {
	p, err := access.ParsePermissions(rolePermissions[role])
	return err == nil && p.Allows(method)
}

func without(a, b []string) (out []string) {
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}

// callOf is a call without parameters: most methods miss some and say so, which
// shows that they were reached.
func callOf(method string) string {
	name, err := json.Marshal(method)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%s,"params":[]}`, name)
}

func postBody(t *testing.T, url, token, body string) []byte {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s %v", resp.Status, answer, err)
	}
	return answer
}

func openSocket(t *testing.T, url, token string) *websocket.Conn {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", token)
	}
	conn, resp, err := websocket.DefaultDialer.Dial(strings.Replace(url, "http", "ws", 1), header)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	t.Cleanup(func() { conn.Close() })
	return conn
}
