# Targets with a text after ## show in "make help".

GO      ?= go
BIN     := bin/quorate
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/quorate
	$(GO) build -buildvcs=false -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/quorate

.PHONY: devnet
devnet: build ## run four validators on this machine, data in ./devnet
	$(BIN) devnet --dir ./devnet

.PHONY: deps
deps: ## download the libraries; the end-to-end tests fetch their npm packages themselves
	$(GO) mod download

.PHONY: test
test: deps ## run every test
	$(GO) vet ./...
	$(GO) test $(TESTFLAGS) ./...

.PHONY: race
race: ## run every test with the race detector
	$(GO) test -race -short $(TESTFLAGS) ./...

.PHONY: lint
lint: ## check form and find common mistakes (the first run builds the linter: minutes)
	$(TOOL) golangci-lint run ./...

.PHONY: fmt
fmt: ## rewrite the sources in the one form
	$(TOOL) gofumpt -w $$(git ls-files '*.go')

.PHONY: check
check: lint test ## what must pass before a change lands

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
