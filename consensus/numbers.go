package consensus

// View numbers the attempts to order one epoch's sequence: (epoch, 0) is the
// first, and every view change adds at least one.
type View uint64

// Seq is a sequence number. It equals the block number: genesis is 0 and the
// first batch is 1. One batch makes one block, also when it is empty.
type Seq uint64

// Epoch numbers the stretches of K sequence numbers that one validator set
// decides: epoch e owns the sequence numbers (eK, (e+1)K].
type Epoch uint64

// EpochOf returns the epoch that owns seq when epochs are length long. Seq 0,
// the genesis block, belongs to no epoch; 0 is returned.
func EpochOf(seq Seq, length uint64) Epoch {
	if seq == 0 {
		return 0
	}
	return Epoch((uint64(seq) - 1) / length)
}

// FirstSeq returns the first sequence number of epoch e.
func FirstSeq(e Epoch, length uint64) Seq { return Seq(uint64(e)*length + 1) }

// LastSeq returns the last sequence number of epoch e, the one whose
// CHECKPOINT ends it.
func LastSeq(e Epoch, length uint64) Seq { return Seq((uint64(e) + 1) * length) }
