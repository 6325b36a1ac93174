package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answering is a node that knows one method.
func answering(t *testing.T, method, result string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if bytes.Contains(body, []byte(`"`+method+`"`)) {
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":1,"result":%s}`, result)
			return
		}
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method does not exist/is not available"}}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func command(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestStatus(t *testing.T) {
	const answer = `{"self":"0x00000000000000000000000000000000000000aa","view":1,"epoch":2,"primary":"0x00000000000000000000000000000000000000bb","isPrimary":false,"mode":"normal","committed":130,"stable":128,"window":{"low":130,"high":138},"quorum":2,"validators":[{"address":"0x00000000000000000000000000000000000000aa","connected":true,"mode":"normal","committed":130},{"address":"0x00000000000000000000000000000000000000bb","connected":false}]}`
	url := answering(t, "pbft_status", answer)
	code, out, errOut := command(t, "status", "--rpc", url)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	for _, want := range []string{
		"block      130 final, checkpoint 128", "normal, epoch 2, view 1, quorum 2 of 2", "backup (0x00000000000000000000000000000000000000AA)",
		"  0x00000000000000000000000000000000000000AA  normal at 130", "* 0x00000000000000000000000000000000000000bb  not connected",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if code, out, _ := command(t, "status", "--json", "--rpc", url); code != exitOK || strings.TrimSpace(out) != answer {
		t.Errorf("--json changes the answer: %d\n%s", code, out)
	}
}

// TestStatusOfViewChange: who asks, who is suspended, and what it means for this
// node.
func TestStatusOfViewChange(t *testing.T) {
	const answer = `{"self":"0x00000000000000000000000000000000000000aa","view":3,"activeView":1,"epoch":2,"primary":"0x00000000000000000000000000000000000000bb","mode":"view-changing","committed":130,"stable":128,"quorum":2,"patienceMs":4000,"lostMargin":%[1]v,"halt":"%[2]s","held":"%[2]s","stands":"%[2]s","validators":[{"address":"0x00000000000000000000000000000000000000aa","connected":true,"mode":"view-changing","committed":130,"asks":3,"suspended":false},{"address":"0x00000000000000000000000000000000000000bb","connected":true,"mode":"normal","committed":131,"asks":null,"suspended":true},{"address":"0x00000000000000000000000000000000000000cc","connected":true,"mode":"unknown","committed":0,"asks":null,"suspended":false}]}`
	for _, row := range []struct {
		alone bool
		halt  string
		wants []string
	}{
		{false, "", []string{"\nview       left 1, asks for 3 as 1 of 3 do; waits 4s\n", "view-changing at 130, asks for view 3\n", "normal at 131, suspended as primary\n", "connected, silent in this epoch\n"}},
		{true, "", []string{"\nview       left 1 alone, asks for 3: it votes no more until the next view or epoch\n"}},
		{false, "state divergence", []string{"\nhalted     state divergence\nheld back  state divergence\nstands     state divergence\n"}},
	} {
		code, out, errOut := command(t, "status", "--rpc", answering(t, "pbft_status", fmt.Sprintf(answer, row.alone, row.halt)))
		if code != exitOK {
			t.Fatalf("exit code %d: %s", code, errOut)
		}
		for _, want := range row.wants {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in\n%s", want, out)
			}
		}
	}
}

func TestStatusOfAnotherNode(t *testing.T) {
	url := answering(t, "eth_chainId", `"0x1"`)
	if code, _, errOut := command(t, "status", "--rpc", url); code != exitFailure || !strings.Contains(errOut, "answers, but not pbft_status") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}
