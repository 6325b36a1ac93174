# Targets with a text after ## show in "make help".

GO      ?= go
BIN     := bin/quorate
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# Parts that not every binary has: pkcs11, for keys in hardware security modules.
TAGS    ?=
LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT)

# The tools have a module of their own, so that their hundreds of dependencies
# stay out of the product's.
TOOL := $(GO) tool -modfile=tools/go.mod

# Some tests run whole networks: the default of ten minutes per package is short
# on a loaded machine.
TESTFLAGS ?= -timeout 20m

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The web pages inside the binary, made anew when a source of theirs is newer.
WEB     := explorer/web
WEB_APP := explorer/dist/app/index.html
WEB_SRC := $(shell find $(WEB) contracts/artefacts -name node_modules -prune -o -type f -print)

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json
	npm --prefix $(WEB) ci --ignore-scripts --no-audit --no-fund
	@touch $@

ifneq ($(shell command -v npm 2>/dev/null),)
$(WEB_APP): $(WEB_SRC) $(WEB)/node_modules/.installed
	npm --prefix $(WEB) run --silent build
	@touch $@
else
.PHONY: $(WEB_APP)
$(WEB_APP):
	@echo "note: npm is missing, so the binary is built without the web explorer; its page at /explorer says how to add it (on Debian: apt-get install nodejs npm)" >&2
endif

.PHONY: web
web: $(WEB_APP) ## build the web explorer into explorer/dist

.PHONY: web-test
web-test: web ## check the types of the web explorer, run its tests, and hold it to its size
	npm --prefix $(WEB) test
	npm --prefix $(WEB) run --silent budget

.PHONY: web-budget
web-budget: web
	npm --prefix $(WEB) run --silent budget

.PHONY: build
build: web ## build bin/quorate, with the web explorer where there is npm
	$(GO) build -buildvcs=false -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/quorate

.PHONY: devnet
devnet: build ## run four validators on this machine, data in ./devnet
	$(BIN) devnet --dir ./devnet

.PHONY: deps
deps: ## download what the tests need (the clients of e2e install themselves)
	$(GO) mod download
	$(GO) mod download -modfile=tools/go.mod
	$(GO) -C e2e/gethdiff mod download
	@command -v npm >/dev/null 2>&1 || { echo "npm is missing: the end-to-end tests use clients from npm (on Debian: apt-get install nodejs npm)" >&2; exit 1; }
	@tools/packages.sh
	@[ "$$(id -u)" = 0 ] || echo "note: partitions of the network will NOT be tested: that needs root" >&2

# Everything but the end-to-end tests.
PACKAGES = $(shell $(GO) list ./... | grep -v /e2e$$)

# Where goroutines meet. The others are pure, or drive processes.
CONCURRENT = ./blocksync/... ./chain/... ./consensus/... ./internal/bubble/... ./node/... ./p2p/... ./rpc/... ./state/... ./statesync/... ./store/... ./txpool/...

.PHONY: test
test: deps check hsm e2e gethdiff mutants ## run every test

.PHONY: check
check: lint unit web-test race sim twins smoke ## what must pass before a change lands: all but the full end-to-end tests

# The packages of the clients, as the end-to-end tests install them, too: their stamp is
# the hash of the lock file.
CLIENTS := e2e/clients
$(CLIENTS)/node_modules/.installed-from: $(CLIENTS)/package-lock.json
	npm --prefix $(CLIENTS) ci --ignore-scripts --no-audit --no-fund
	@sha256sum $< | cut -d' ' -f1 | tr -d '\n' > $@

.PHONY: unit
unit: $(CLIENTS)/node_modules/.installed-from ## run the tests of all packages
	$(GO) test $(TESTFLAGS) $(PACKAGES)

.PHONY: race
race: $(CLIENTS)/node_modules/.installed-from ## run the tests of what is concurrent with the race detector (again where the detector itself breaks down)
	$(GO) run ./internal/racetest -short $(TESTFLAGS) $(CONCURRENT)

# N seeds from SEED on; a failing one prints itself.
N    ?= 3000
SEED ?= 10000

.PHONY: sim
sim: ## play random schedules of the protocol (N=, SEED=), and check the ledger of those played before
	$(GO) test ./consensus/pbft -count=1 -run 'RandomSchedules|^TestLedger$$' -seeds $(N) -seed $(SEED) -timeout 60m -v

# Enumerated scenarios with validators that run twice.
SCENARIOS ?= 20000

.PHONY: twins
twins: ## play Twins scenarios of the protocol (SCENARIOS=)
	$(GO) test ./consensus/pbft -count=1 -run TestTwins -twins $(SCENARIOS) -timeout 60m -v

MINUTES ?= 10

.PHONY: sim-ledger
sim-ledger: ## play new seeds for MINUTES and add them to docs/sim-ledger.json
	$(GO) test ./consensus/pbft -count=1 -run TestLedger -minutes $(MINUTES) -timeout 0 -v

.PHONY: mutants
mutants: ## plant bugs in the consensus, one at a time; the tests must kill each
	$(GO) run ./internal/mutants

COUNT ?= 200

.PHONY: mutants-mechanical
mutants-mechanical: SEED = 1
mutants-mechanical: ## the same with COUNT random changes drawn by SEED
	$(GO) run ./internal/mutants -mechanical -seed $(SEED) -count $(COUNT)

.PHONY: smoke
smoke: ## the shortest whole way on four real processes
	$(GO) test ./e2e -count=1 -run Smoke -timeout 5m

.PHONY: hsm
hsm: ## keys in a hardware security module, here SoftHSM
	$(GO) vet -tags pkcs11 ./keys/... ./node ./cmd/... ./e2e
	$(GO) test -tags pkcs11 -count=1 ./keys/...

# With all tags, so that every part is tested.
.PHONY: e2e
e2e: ## all end-to-end tests: real processes, cast, ethers, viem, kill -9, bad input
	$(GO) test -tags pkcs11 ./e2e -count=1 -timeout 40m

.PHONY: gethdiff
gethdiff: ## compare JSON-RPC with a real go-ethereum node
	$(GO) -C e2e/gethdiff test -count=1 .

.PHONY: e2e-long
e2e-long: ## and what takes minutes by nature: ten minutes of load, 200 kills
	$(GO) test -tags pkcs11 ./e2e -count=1 -long -v -timeout 240m

.PHONY: lint
lint: ## check form and find common mistakes (the first run builds the linter: minutes)
	$(TOOL) golangci-lint run ./...

.PHONY: fmt
fmt: ## rewrite the sources in the one form
	$(TOOL) gofumpt -w $$(git ls-files '*.go')

.PHONY: fuzz
fuzz: ## fuzz every decoder, FUZZTIME each
	@for p in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | cut -c6-); do \
	    echo "$$p $$f"; $(GO) test ./$$p -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) || exit 1; \
	  done; done
FUZZTIME ?= 10s

# The network to load: that of "make devnet" in another terminal.
RPC  ?= http://127.0.0.1:8545,http://127.0.0.1:8546,http://127.0.0.1:8547,http://127.0.0.1:8548
KIND ?= transfer
TXS  ?= 20000

.PHONY: bench
bench: build ## load a running devnet (RPC=, KIND=transfer|erc20, TXS=)
	$(BIN) bench --rpc $(RPC) --kind $(KIND) --txs $(TXS)

.PHONY: clean
clean: ## remove what was built; ./devnet stays, it holds keys and a chain
	rm -rf bin
