# Sockeye. `make help` says what there is.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO      ?= go
NPM     ?= npm
BIN     := bin/sockeye
TOOLS   := $(CURDIR)/.tools/bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.release=$(VERSION)

# The date of every file in an archive: that of the commit, so that a release can be repeated.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

LINT_VERSION := v2.15.0
VULN_VERSION := v1.9.0
STAT_VERSION := v0.0.0-20260709024250-82a0b07e230d
LINT         := $(TOOLS)/golangci-lint-$(LINT_VERSION)
BENCHSTAT    := $(TOOLS)/benchstat-$(STAT_VERSION)

# Arguments of the program for make run: make run ARGS="--listen :8080 --anonymous"
ARGS ?=
# Time for each fuzz target.
FUZZTIME ?= 20s
# Arguments of go test for make test, such as TESTARGS="-run Upgrade".
TESTARGS ?=

.PHONY: help
help: ## Show this list.
	@echo "Sockeye: make TARGET"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: build
build: client ## Build bin/sockeye, with the browser client in it where npm is installed.
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/sockeye
	@echo "built $(BIN) $(VERSION)"

# The browser client is an npm package. It is embedded, but not committed.
.PHONY: client
client:
	@NPM='$(NPM)' ./public/client.sh

.PHONY: run
run: build ## Build and start the server; it prints the page's address. ARGS="..." are its flags.
	@exec $(BIN) serve $(ARGS)

.PHONY: release
release: client ## Make dist/: archives for Linux, macOS and Windows on amd64 and arm64, with their checksums.
	@rm -rf dist
	@$(GO) run ./deploy/release -go '$(GO)' -version '$(VERSION)' -epoch '$(SOURCE_DATE_EPOCH)'
	@cat dist/SHA256SUMS

.PHONY: test
test: build ## Test everything for correctness: Go, official clients, browser.
	@GO='$(GO)' NPM='$(NPM)' TESTARGS='$(TESTARGS)' ./test/run.sh

.PHONY: prove
prove: build ## Run everything timed, large or long, and write docs/evidence/ (a quiet machine, please).
	@GO='$(GO)' NPM='$(NPM)' ./test/prove.sh

.PHONY: screenshots
screenshots: build ## Write docs/screenshots/, a picture of each page in light, dark and on a phone.
	@cd test/browser && $(NPM) ci --no-audit --no-fund --loglevel=error && PROVE=1 SOCKEYE_BIN=$(CURDIR)/$(BIN) node run.mjs screenshots

.PHONY: chaos
chaos: build ## Ten minutes of failing nodes, proxies and Redis under 300 clients; writes docs/evidence/chaos.txt.
	@GO='$(GO)' NPM='$(NPM)' ./test/chaos.sh

# How long make soak takes: make soak SOAK=1h.
SOAK ?= 10m

.PHONY: soak
soak: build ## Ten minutes (SOAK) of mixed work that must lose and leave nothing; writes docs/evidence/soak.md.
	@$(GO) run ./test/soak -duration '$(SOAK)' -out docs/evidence/soak.md

.PHONY: lint
lint: $(LINT) ## Check style, import arrows and formatting.
	$(LINT) run ./...
	cd test/deploy && $(LINT) run ./...

.PHONY: fmt
fmt: $(LINT) ## Format the Go files.
	$(LINT) fmt ./...
	cd test/deploy && $(LINT) fmt ./...

# Built with the Go that is here, so that it can read this Go's packages.
$(LINT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@

.PHONY: vuln
vuln: ## Ask govulncheck for known vulnerabilities, with its database within reach.
	@GO='$(GO)' VULN_VERSION='$(VULN_VERSION)' ./test/vuln.sh

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (20s).
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' ./test/fuzz.sh

.PHONY: bench
bench: build ## Measure Sockeye beside Node, Bun, the floor and others in about 10 minutes; writes docs/bench.
	@$(GO) run ./bench/run -profile full -out docs/bench

.PHONY: bench-redraw
bench-redraw: ## Write the page and the pictures of docs/bench again, without measuring.
	@$(GO) run ./bench/run -from docs/bench/results.json -out docs/bench

.PHONY: bench-carried
bench-carried: build ## Measure polls that are carried from node to node beside polls that are not.
	@$(GO) run ./bench/run -profile carried

.PHONY: bench-profiles
bench-profiles: build ## Write docs/bench/profiles.md: what the CPU time of some rows is made of.
	@GO='$(GO)' ./bench/profile.sh

.PHONY: bench-quick
bench-quick: build ## Some of it, small, in a minute: to see a trend, not to quote.
	@$(GO) run ./bench/run -profile quick

.PHONY: bench-growth
bench-growth: build ## Measure how cost grows with clients, rooms and their size; writes docs/bench/growth.md and its charts.
	@$(GO) run ./bench/run -profile growth -out docs/bench

.PHONY: bench-ways
bench-ways: build ## Measure webhooks, the HTTP API, event streams and telemetry; writes docs/evidence/ways.md.
	@$(GO) run ./bench/ways -out docs/evidence/ways.md

.PHONY: benchstat
benchstat: $(BENCHSTAT) ## Compare the Go benchmarks of BASE=commit with those of now; BENCH, PKG, COUNT, TIME narrow it.
	@GO='$(GO)' BENCHSTAT='$(BENCHSTAT)' BASE='$(BASE)' COUNT='$(COUNT)' TIME='$(TIME)' BENCH='$(BENCH)' PKG='$(PKG)' ./bench/benchstat.sh

$(BENCHSTAT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install golang.org/x/perf/cmd/benchstat@$(STAT_VERSION)
	@mv $(TOOLS)/benchstat $@

.PHONY: peers
peers: build ## The bench and the guarantees with zishang520 v2.5.0 and v3 on Gin too.
	@$(GO) run ./bench/run -profile peers -contract
	@$(GO) run ./bench/run -profile peers

.PHONY: clean
clean: ## Remove what was built.
	rm -rf bin dist public/client/*.js public/client/*.map public/client/*.css
