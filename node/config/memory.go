package config

// MinMemory is the least a node works in: below it the caches are smaller than
// one full block and its state.
const MinMemory Bytes = 128 << 20

// MemoryPlan divides the setting memory. All amounts are bytes.
type MemoryPlan struct {
	BlockCache  int64 // Pebble's cache of table blocks, outside the Go heap
	MemTables   int64 // Pebble's memtables, all together, outside the Go heap
	StateCaches int64 // accounts, slots, trie nodes and code, outside the Go heap
	Pool        int64 // bodies of waiting transactions, inside the Go heap
	GoLimit     int64 // runtime/debug.SetMemoryLimit, the pool included
	Reserve     int64 // the program text, C stacks, kernel buffers
}

// Plan is the one place where memory is divided, in sixteenths:
//
//	block cache   2   a block of 5,000 transfers reads about 10,000 rows, 4 MB of table blocks
//	memtables     2   two of them: one filling, one being flushed
//	state caches  2   hot accounts and the upper trie nodes; misses go to the block cache
//	Go limit      8   speculative layers, messages, RPC; of it 1 is the pool
//	reserve       2   about 35 MB of program text and C memory that nobody counts
func (c *Config) Plan() MemoryPlan {
	part := int64(c.Memory) / 16
	return MemoryPlan{
		BlockCache:  2 * part,
		MemTables:   2 * part,
		StateCaches: 2 * part,
		Pool:        part,
		GoLimit:     8 * part,
		Reserve:     2 * part,
	}
}
