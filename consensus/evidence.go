package consensus

// Evidence proves with two signatures that one validator broke the protocol.
// It never names an honest one: honest validators persist a vote before they
// send it and never sign a second for the same place.
type Evidence struct {
	Offender uint64 // sender index in the set of the votes' epoch
	First    *Vote
	Second   *Vote
}
