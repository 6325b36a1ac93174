package consensus

// View numbers the attempts to order one epoch's sequence: (epoch, 0) is the
// first, and every view change adds at least one.
type View uint64

// Seq is a sequence number. It equals the block number: genesis is 0 and the
// first batch is 1. One batch makes one block, also when it is empty.
type Seq uint64

// Epoch numbers the stretches of sequence numbers that one validator set decides.
// How long one is, its parameters say: EpochRules.Owns.
type Epoch uint64
