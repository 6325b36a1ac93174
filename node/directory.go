package node

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/txpool"
)

// directory says which node is which validator. It is immutable.
type directory struct {
	nodes      map[common.Address]peer.ID
	validators map[peer.ID]common.Address
}

func newDirectory(reg *registry.Registry) *directory {
	d := &directory{nodes: map[common.Address]peer.ID{}, validators: map[peer.ID]common.Address{}}
	for _, m := range reg.Members() {
		id, err := peer.Decode(m.NodeID)
		if err != nil || m.Observer {
			continue // a valid genesis has valid ids
		}
		d.nodes[m.Validator], d.validators[id] = id, m.Validator
	}
	return d
}

func (d *directory) node(v common.Address) (peer.ID, bool) {
	id, ok := d.nodes[v]
	return id, ok
}

// validator returns zero for an observer.
func (d *directory) validator(id peer.ID) common.Address { return d.validators[id] }

func peerID(p txpool.Peer) peer.ID { return peer.ID(p) }
