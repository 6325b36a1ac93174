package node

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/node/config"
)

// ForgetVotes lets the validator of a stopped node vote again in the present
// epoch although its journal is lost: an operator's act, for a network that no
// quorum can move any more (protocol, Starting). It returns the epoch.
func ForgetVotes(cfg *config.Config, log *slog.Logger, o Options) (epoch consensus.Epoch, err error) {
	if cfg.Observer() {
		return 0, errors.New("this node is an observer: it has no votes to forget")
	}
	err = stopped(cfg, log, o, nil, func(n *Node) error {
		past, err := votedFile{n.keys.voted}.Past()
		if err != nil {
			return err
		}
		epoch = max(n.chain.CurrentEpoch().Epoch, past.Epoch)
		if err := engine.ForgiveVotes(journal{n.db.Journal()}, epoch); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		if err := n.keys.voted.Record(epoch); err != nil {
			return err
		}
		log.Warn("votes forgotten by its operator", "validator", n.keys.address(), "epoch", epoch, "head", n.chain.Head().Number)
		return nil
	})
	return epoch, err
}
