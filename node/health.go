package node

import (
	"fmt"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/node/admin"
)

// Live implements admin.Health. A process that can answer is alive: a halted
// replica or a lost quorum is no reason to restart it.
func (n *Node) Live() error { return nil }

// Ready implements admin.Health: whether a load balancer should send clients
// here, and if not, why.
func (n *Node) Ready() []admin.Check {
	r := n.Report()
	return []admin.Check{n.checkQuorum(&r), checkMode(&r), n.checkSync(), n.checkDisk(), n.checkUpdate()}
}

// checkQuorum tells whether enough validators are connected to decide
// anything.
func (n *Node) checkQuorum(r *consensus.Report) admin.Check {
	up := 0
	var missing []string
	for _, v := range r.Validators {
		if v.Connected {
			up++
		} else {
			missing = append(missing, v.Address.Hex())
		}
	}
	detail := fmt.Sprintf("%d of %d validators reachable, quorum is %d", up, len(r.Validators), r.Quorum)
	if len(missing) > 0 {
		detail += fmt.Sprintf("; missing %v", missing)
	}
	return admin.Check{Name: "quorum", OK: up >= r.Quorum, Detail: detail}
}

func checkMode(r *consensus.Report) admin.Check {
	detail := r.Line
	if r.Halt != "" {
		detail += "; " + r.Halt
	}
	for _, why := range []string{r.Held, r.Stands} {
		if why != "" {
			detail += "; " + why
		}
	}
	return admin.Check{Name: "replica", OK: r.Mode == consensus.Normal, Detail: detail}
}

func (n *Node) checkSync() admin.Check {
	_, current, highest, behind := n.Syncing()
	detail := fmt.Sprintf("block %d of %d", current, highest)
	if line := n.snapshotLine(); line != "" {
		detail += "; " + line
	}
	return admin.Check{Name: "sync", OK: !behind, Detail: detail}
}

func (n *Node) checkDisk() admin.Check {
	if err := n.db.Writable(); err != nil {
		return admin.Check{Name: "disk", Detail: err.Error()}
	}
	return admin.Check{Name: "disk", OK: true, Detail: "above the reserve"}
}
