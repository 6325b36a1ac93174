package main

// Bounds: each keeps something finite, or something alive.

var boundsTable = []Mutant{
	{
		Name: "no cap on the future votes of one sender", Breaks: breaks("futurePerSlot", "ErrFutureView", "I11"),
		Edits: edit(futureGo, `if len(*room) >= futurePerSlot*int(r.params.PipelineDepth) {`, `if false {`),
	},
	{
		Name: "no room for the future", Breaks: breaks("futurePerSlot", "future votes are judged in their view"),
		Edits: edit(futureGo, `if len(*room) >= futurePerSlot*int(r.params.PipelineDepth) {`, `if len(*room) >= 1 {`),
	},
	{
		Name: "no pace", Breaks: breaks("paceMs"),
		Edits: edit(orderGo, `ticksPer(paceMs)`, `0`),
	},
	{
		Name: "every batch is a full one", Breaks: breaks("DefaultFullBatch"),
		Edits: edit(orderGo, `full := r.pool >= r.cfg.FullBatch`, `full := true`),
	},
	{
		Name: "one validator is asked at a time", Breaks: breaks("askedAtOnce"),
		Edits: edit(fetchGo, `for k := range min(askedAtOnce, len(others)) {`, `for k := range min(1, len(others)) {`),
	},
	{
		Name: "the same validators are asked again", Breaks: breaks("askedAtOnce", "NEW-VIEW: what is missing is fetched"),
		Edits: edit(fetchGo, `others[(attempt*askedAtOnce+k)%len(others)]`, `others[k]`),
	},
	{
		Name: "a batch is asked for on every input", Breaks: breaks("I11"),
		Edits: edit(fetchGo, `s.nextFetch = r.ticks + ticksPer(r.params.BaseTimeoutMs/4)`, ``),
	},
	{
		Name: "a VIEW-CHANGE is asked for on every input", Breaks: breaks("I11"),
		Edits: edit(fetchGo, `o.nextAsk = r.ticks + ticksPer(r.params.BaseTimeoutMs/4)`, ``),
	},
	{
		Name: "answers far apart", Breaks: breaks("answerIntervalMs"),
		Edits: edit(statusGo, `if p.greeted && r.ticks < p.answered+ticksPer(answerIntervalMs) {`, `if p.greeted && r.ticks < p.answered+ticksPer(100*answerIntervalMs) {`),
	},
	{
		Name: "k without bound", Breaks: breaks("maxBackoff"),
		Edits: edit(timersGo, `r.backoff = min(r.backoff+1, maxBackoff)`, `r.backoff++`),
	},
	{
		Name: "a stable primary may overtake for ever", Breaks: breaks("maxOvertaking", "request: stable primary must take the oldest"),
		Edits: edit(timersGo, `key.fresh = min(r.fresh-min(r.oldestAt, r.fresh), maxOvertaking)`, `key.fresh = r.fresh`),
	},
	{
		Name: "a stable primary may not overtake", Breaks: breaks("maxOvertaking", "L2"),
		Edits: edit(timersGo, `key.fresh = min(r.fresh-min(r.oldestAt, r.fresh), maxOvertaking)`, `key.fresh = 0`),
	},
	{
		Name: "no STATUS when work stalls", Breaks: breaks("stallStatusMs"),
		Edits: edit(replicaGo, `r.nextStatus = min(r.nextStatus, r.ticks+ticksPer(stallStatusMs))`, ``),
	},
	{
		Name: "no STATUS at the end of an epoch", Breaks: breaks("STATUS: at the end of an epoch"),
		Edits: edit(certifyGo, `if h.Seq == r.last {`, `if false {`),
	},
	{
		Name: "a busy replica sleeps", Breaks: breaks("busyTickMs"),
		Edits: edit(statusGo, `wait = min(wait, ticksPer(busyTickMs))`, ``),
	},
	{
		Name: "block sync at the first claim", Breaks: breaks("stallMs"),
		Edits: edit(catchUpGo, `if !far && r.ticks < r.behindAt+ticksPer(stallMs) {`, `if false && far {`),
	},
	{
		Name: "block sync is asked for on every tick", Breaks: breaks("retryMs"),
		Edits: edit(catchUpGo, `if r.transfer.seq != 0 && r.ticks < r.transfer.asked+ticksPer(retryMs) {`, `if false {`),
	},
	{
		Name: "liars are believed again at once", Breaks: breaks("firstDoubtMs"),
		Edits: edit(catchUpGo, `p.doubtMs = min(max(2*p.doubtMs, firstDoubtMs), maxDoubtMs)`, `p.doubtMs = 0`),
	},
	{
		Name: "doubt without end", Breaks: breaks("maxDoubtMs"),
		Edits: edit(catchUpGo, `p.doubtMs = min(max(2*p.doubtMs, firstDoubtMs), maxDoubtMs)`, `p.doubtMs = max(2*p.doubtMs, firstDoubtMs)`),
	},
	{
		Name: "a proof does not overrule the doubt", Breaks: breaks("firstDoubtMs", "L1"),
		Edits: edit(catchUpGo, `(proved || r.ticks >= p.doubtedTo) {`, `(false && proved || r.ticks >= p.doubtedTo) {`),
	},
	{
		Name: "all commits are kept for ever", Breaks: breaks("I11"),
		Edits: edit(certifyGo, `if extra > 0 {`, `if false {`),
	},
	{
		Name: "commits that are not durable are dropped", Breaks: breaks("base is durable"),
		Edits: edit(certifyGo, `&& r.recent[extra].Certificate.Seq <= r.durable {`, `{`),
	},
}
