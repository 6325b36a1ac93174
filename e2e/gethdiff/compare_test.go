package gethdiff

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// apart are the members of answers in which two chains with other block hashes,
// times and beneficiaries must differ.
var apart = map[string]bool{
	"blockHash": true, "blockTimestamp": true, "parentHash": true, "timestamp": true,
	"stateRoot": true, "mixHash": true, "miner": true, "size": true, "extraData": true, "forkId": true,
	"accountProof": true, "activationTime": true,
}

// strip removes what is apart, at every level. A block's own hash goes, a
// transaction's stays.
func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, block := v["parentHash"]; block {
			delete(v, "hash")
		}
		for k := range v {
			if apart[k] {
				v[k] = "left out"
			} else {
				v[k] = strip(v[k])
			}
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	}
	return v
}

func comparableOf(t *testing.T, a answer) any {
	t.Helper()
	if a.Result == nil {
		return map[string]any{"code": a.Code, "text": a.Text, "data": a.Data}
	}
	var v any
	if err := json.Unmarshal(a.Result, &v); err != nil {
		t.Fatal(err)
	}
	return strip(v)
}

// unsigned is the hash in geth's text on a call that could not be applied: of a
// transaction that nobody signed and that no client can know.
var unsigned = regexp.MustCompile("(failed to apply transaction: )0x[0-9a-f]{64} ")

// same sends one request to both and wants one answer.
func (p *pair) same(t *testing.T, method string, params ...any) answer {
	t.Helper()
	ours, geths := p.ours.call(t, method, params...), p.geths.call(t, method, params...)
	geths.Text = unsigned.ReplaceAllString(geths.Text, "$1")
	if d := cmp.Diff(comparableOf(t, geths), comparableOf(t, ours)); d != "" {
		shown, _ := json.Marshal(params)
		t.Errorf("%s%.300s (-geth +ours)\n%s", method, shown, d)
	}
	return ours
}

// seal makes a block on both.
func (p *pair) seal(t *testing.T) {
	t.Helper()
	p.ours.seal(t)
	p.geths.seal(t)
}
