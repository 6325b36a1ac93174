package eth

// Heard returns the number of pending transactions that filters can be told of.
func (r *Recent) Heard() uint64 { return r.end() }
