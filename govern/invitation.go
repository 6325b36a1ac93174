package govern

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
)

const (
	invitationVersion = 2
	// MaxInvitationBytes bounds a file: a genesis document and 1,024 addresses.
	MaxInvitationBytes = genesis.MaxDocumentBytes + 1<<20
)

// invitationTag is the first word of what an invitation signs.
var invitationTag = crypto.Keccak256([]byte("quorate/invitation/2"))

// Invitation is what a newcomer needs: the network's genesis, where its members are,
// and who says so. It holds no secret, and lets nobody in: the members' vote does.
type Invitation struct {
	Version    int                 `json:"version"`
	Genesis    json.RawMessage     `json:"genesis"`
	Peers      []string            `json:"peers"`      // NODEID@ADDRESS of members
	Checkpoint string              `json:"checkpoint"` // a block that the member is sure of (light.Checkpoint); empty: no epoch has ended yet
	Expires    uint64              `json:"expires"`    // seconds since 1970
	By         common.Address      `json:"by"`         // the member that signs
	Signature  consensus.Signature `json:"signature"`

	Document *genesis.Genesis `json:"-"` // Genesis, read
}

// preimage is what is signed, in words: the tag, keccak256 of the genesis document as
// genesis.Encode writes it, keccak256 of the peers, a line each, keccak256 of the checkpoint, and the expiry.
func (i *Invitation) preimage() []byte {
	peers := crypto.Keccak256([]byte(strings.Join(i.Peers, "\n")))
	expires := common.BigToHash(new(big.Int).SetUint64(i.Expires))
	return bytes.Join([][]byte{invitationTag, crypto.Keccak256(i.Document.Encode()), peers, crypto.Keccak256([]byte(i.Checkpoint)), expires[:]}, nil)
}

// Invite makes and signs an invitation, and returns the file. No checkpoint is nil.
func Invite(ctx context.Context, s keys.Signer, g *genesis.Genesis, peers []string, known *light.Checkpoint, expires time.Time) ([]byte, error) {
	i := &Invitation{Version: invitationVersion, Document: g, Genesis: g.Encode(), Peers: peers, Checkpoint: text(known), Expires: uint64(expires.Unix()), By: s.Address()}
	var err error
	if i.Signature, err = s.Sign(ctx, i.preimage()); err != nil {
		return nil, err
	}
	type doc struct {
		*Invitation
		Signature hexutil.Bytes `json:"signature"`
	}
	data, err := json.MarshalIndent(doc{i, i.Signature[:]}, "", "  ")
	return append(data, '\n'), err
}

func text(c *light.Checkpoint) string {
	if c == nil {
		return ""
	}
	return c.String()
}

// ParseInvitation reads a file and checks signature and expiry. That By is a member
// cannot be known without the chain: Founder says whether genesis names it.
func ParseInvitation(data []byte, now time.Time) (*Invitation, error) {
	if len(data) > MaxInvitationBytes {
		return nil, fmt.Errorf("an invitation has at most %d bytes, this file %d", MaxInvitationBytes, len(data))
	}
	type doc struct {
		Invitation
		Signature hexutil.Bytes `json:"signature"`
	}
	var d doc
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("no invitation: %w", err)
	}
	i := &d.Invitation
	if i.Version != invitationVersion {
		return nil, fmt.Errorf("an invitation of version %d, this build reads version %d", i.Version, invitationVersion)
	}
	var err error
	if i.Document, err = genesis.Parse(i.Genesis); err != nil {
		return nil, fmt.Errorf("its genesis is not valid:\n%w", err)
	}
	if i.Checkpoint != "" {
		if _, err := light.ParseCheckpoint(i.Checkpoint); err != nil {
			return nil, fmt.Errorf("its checkpoint: %w", err)
		}
	}
	if len(d.Signature) != len(i.Signature) {
		return nil, fmt.Errorf("its signature has %d bytes, %d are expected", len(d.Signature), len(i.Signature))
	}
	copy(i.Signature[:], d.Signature)
	by, err := i.Signature.Recover(i.preimage())
	if err != nil || by != i.By {
		return nil, fmt.Errorf("its signature is not by %s over this content: it was changed after it was signed, ask for another", i.By)
	}
	if until := time.Unix(int64(i.Expires), 0); now.After(until) {
		return nil, fmt.Errorf("it expired on %s: ask for another", until.UTC().Format(time.RFC3339))
	}
	return i, nil
}

// Founder returns what genesis calls the member that signed, and whether it is a
// founder at all.
func (i *Invitation) Founder() (string, bool) {
	for _, v := range i.Document.Validators {
		if v.Address == i.By {
			return v.Name, true
		}
	}
	return "", false
}

// Bootstrap returns where the members are, NODEID@ADDRESS each: as the inviting node
// itself is configured (known, by node id), as they say on chain, or as genesis says.
func (m *Members) Bootstrap(g *genesis.Genesis, known map[string]string) []string {
	hints := map[string]string{}
	for _, v := range g.Validators {
		if len(v.Addresses) > 0 {
			hints[v.NodeID] = v.Addresses[0]
		}
	}
	out := []string{}
	for _, x := range m.Members {
		if address := cmp.Or(known[x.NodeID], x.Endpoint, hints[x.NodeID]); x.Listed && address != "" {
			out = append(out, x.NodeID+"@"+address)
		}
	}
	return out
}
