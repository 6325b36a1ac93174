package discover

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestDocument: the version is that of the program, whatever it is called, and
// nothing is sent that only people need.
func TestDocument(t *testing.T) {
	for _, version := range []string{"v1.2.3", `a "b" \`, ""} {
		a, err := New(version)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			OpenRPC string `json:"openrpc"`
			Info    struct {
				Version string `json:"version"`
			} `json:"info"`
			Methods []struct {
				Name string `json:"name"`
			} `json:"methods"`
		}
		if err := json.Unmarshal(a.Discover(), &doc); err != nil {
			t.Fatalf("version %q: %v", version, err)
		}
		if doc.Info.Version != version || doc.OpenRPC != "1.3.2" || len(doc.Methods) < 90 {
			t.Errorf("version %q, OpenRPC %q, %d methods", doc.Info.Version, doc.OpenRPC, len(doc.Methods))
		}
		if bytes.ContainsAny(a.Discover(), "\n\t") {
			t.Error("there is white space in it")
		}
	}
}
