// Package admin is the local HTTP port for operators and their tools: is the
// node alive, is it ready, its metrics, and where its time and memory go.
//
//	orchestrator ──> /livez, /liveness             200 alive · 503 restart me
//	load balancer ─> /readyz[?verbose], /readiness 200 ready · 503 with reasons
//	Prometheus ────> /metrics
//	go tool pprof ─> /debug/pprof/…                profiles, for callers on this machine alone
//
// Invariants: alive means that the process works, so a node without peers or
// behind the others is alive; ready means that it should get traffic. Answers
// come from Health, which must not block. The port belongs on a local address:
// it has no authentication.
//
// It measures nothing and decides nothing.
package admin
