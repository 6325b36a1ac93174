// Package e2e drives real quorate processes the way their users do: through
// the command line, JSON-RPC, signals, and the clients that people have. It has
// no code of its own, only tests.
//
//	go test ./e2e ──builds──► quorate ──devnet──► validator-0 … n (processes)
//	     │                       ▲                      ▲  ▲  ▲
//	     ├── flags, stdout, exit ┘                      │  │  │
//	     ├── JSON-RPC (Go, and the clients below) ──────┘  │  │
//	     ├── SIGKILL, SIGTERM, config.toml, copied folders ┘  │
//	     └── strangers on the peer port ──────────────────────┘
//
// What each file tests stands at its top; start with smoke_test.go. The parts
// they share: main_test.go builds the binary once, process_test.go starts and
// ends processes, devnet_test.go and node_test.go are a network and one of its
// nodes, wait_test.go waits, account_test.go signs, certificate_test.go checks
// a certificate with its own few lines of code.
//
// Faults are tested on a fleet (fleet_test.go): the nodes are the test's own
// children and write down every vote before it leaves (tap_test.go), and all
// that a key ever signed is compared. faults_test.go has one node fail at a
// time, outage_test.go too many, dead_test.go one for good, stolen_test.go lost
// and copied memories, partition_linux_test.go cut networks. They are held to
// what promise_test.go says, by the nodes' own clocks; heads_test.go times what
// subscribers see.
//
// Pages of docs/operate are run as they stand (page_test.go): runPage executes their
// fenced commands in order, waits and compares as the page says, and fails where one
// does. A new page is one test of a few lines, as in access_test.go.
//
// The doors for indexers: archive_test.go has blocks in files and tables, exports and
// imports that are killed; stream_test.go cuts a stream a thousand times, and has clients
// that hardly read.
//
// Explorers: town_test.go is a network with deeds of every kind, which knows what
// each did; blockscout_test.go and otterscan_test.go ask for all of it as those two
// do, and what they gather must be what happened.
//
// How to run them:
//
//	go test ./e2e -run Smoke -timeout 5m    the shortest whole way
//	go test ./e2e -timeout 30m              everything
//	go test ./e2e -timeout 240m -long       ten minutes idle or under load, 16 validators, 200 kills, 1,000 cuts
//	go test ./e2e -v -run Crash             with what was measured
//	go test ./e2e -run SecureRPC            TLS, tokens and certificates
//
// With -short only the smoke test runs. $QUORATE_BIN names a binary to test
// instead of a fresh build.
//
// Invariants:
//   - Nothing is waited for by time: a condition is polled until a deadline.
//   - Every network has a directory and ports of its own; no test meets a
//     developer's devnet or another test.
//   - No process outlives its test, also when the test dies (process groups,
//     and the kernel's signal at the death of a parent).
//   - What a test cannot have (npm) is a failure, never a silent skip; partitions
//     alone are skipped, with a word on standard error, where there is no root.
//   - Each test prints what it measured.
//
// Every JSON-RPC answer and notification is checked against the OpenRPC document
// that the nodes serve (validate_test.go), those to clients of other languages in a
// proxy between them and the node (proxy_test.go). The example of every method
// runs in examples_test.go, which records the answers that the reference shows.
//
// The clients are cast and forge (foundry_test.go), ethers, viem, web3 and a
// Hardhat project with contracts of @openzeppelin (clients_test.go). Their npm
// packages in clients/ are pinned by its lock file and installed by the tests
// themselves; none of their scripts run. The compiler is solc-js for all of them,
// for forge behind clients/solc.mjs; each has an empty home, and downloads and
// reports nothing.
//
// It does not test what a package's own tests can see better: executions,
// limits, the protocol's rules. Byzantine behaviour is simulated in
// consensus/pbft/pbfttest.
package e2e
