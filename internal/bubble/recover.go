package bubble

import (
	"context"

	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/recovery"
)

// options are those of an act on the disk of a member that does not run.
func (m *Member) options() node.Options {
	return node.Options{FS: m.Disk, OnFatal: func(err error) { m.c.T.Errorf("node %d: %v", m.index, err) }}
}

// ProposeRecovery returns the recovery that ends with the head of a stopped member, for
// these members, signed by signers.
func (m *Member) ProposeRecovery(signers []keys.Signer, members ...*Member) *recovery.Document {
	m.c.T.Helper()
	d, _, err := node.ProposeRecovery(m.Config(), m.c.log, m.options())
	if err != nil {
		m.c.T.Fatal(err)
	}
	m.Disk = newDisk(m.Disk.mem)
	for _, o := range members {
		d.Members = append(d.Members, recovery.Member{Address: o.Address, NodeID: genesis.NodeIDBytes(o.ID)})
	}
	d.Order()
	for _, s := range signers {
		if err := d.Sign(context.Background(), s, m.c.Domain, m.c.Genesis.Recovery); err != nil {
			m.c.T.Fatal(err)
		}
	}
	return d
}

// ApplyRecovery applies a recovery to a stopped member.
func (m *Member) ApplyRecovery(d *recovery.Document) (node.Applied, error) {
	out, err := node.ApplyRecovery(m.Config(), m.c.log, m.options(), d, false)
	m.Disk = newDisk(m.Disk.mem)
	return out, err
}
