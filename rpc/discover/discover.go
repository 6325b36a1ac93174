package discover

import (
	"bytes"
	_ "embed" // the document
	"encoding/json"
	"fmt"

	"github.com/quorate/quorate/rpc"
)

// versionMark stands in the generated document where the program's version
// belongs, so that a new version leaves the file alone.
const versionMark = `"{{version}}"`

//go:embed openrpc.json
var generated []byte

// Document returns the OpenRPC document for a version of the program, without
// white space.
func Document(version string) (json.RawMessage, error) {
	var out bytes.Buffer
	if err := json.Compact(&out, generated); err != nil {
		return nil, fmt.Errorf("the embedded OpenRPC document: %w", err)
	}
	if n := bytes.Count(out.Bytes(), []byte(versionMark)); n != 1 {
		return nil, fmt.Errorf("the embedded OpenRPC document has %d places for the version", n)
	}
	text, err := json.Marshal(version)
	return bytes.Replace(out.Bytes(), []byte(versionMark), text, 1), err
}

// API has the method rpc_discover; register it as "rpc", beside go-ethereum's
// rpc_modules.
type API struct{ document json.RawMessage }

// New returns the method. Version is that of the program.
func New(version string) (*API, error) {
	document, err := Document(version)
	return &API{document}, err
}

// Discover returns this document: every method with parameters, result and an
// example, in the format of OpenRPC.
func (a *API) Discover() json.RawMessage { return a.document }

// Decisions returns what was decided about every rpc_ method of go-ethereum
// 1.17.10 and of OpenRPC.
func Decisions() []rpc.Decision {
	return []rpc.Decision{
		rpc.Served("discover", "the method of OpenRPC; go-ethereum has none"),
		rpc.Served("modules", ""),
	}
}
