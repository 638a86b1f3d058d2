# `make check` is what a change must pass; .ci/run does the same and the end-to-end
# tests on top.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 10s
SEEDS ?= 2000
QUERIES ?= 100000
GOLANGCI_LINT_VERSION := 2.15.0
LINT := bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

.DEFAULT_GOAL := build
.PHONY: build test seeds queries fmt lint tidy e2e bench fuzz cover helm generate golden check clean

build: ## The exporter, static, into bin/.
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/exporter ./cmd/exporter

# The race detector needs a C compiler; without one the tests run all the same.
RACE := $(if $(shell command -v $${CC:-gcc}),-race)

# Tests that wait do so side by side, also where internal/racetest leaves one processor.
# What go vet finds, make lint does.
test: ## Unit tests, with the race detector.
	$(GO) test $(RACE) -vet=off -shuffle=on -parallel 4 -timeout 1h ./...

seeds: ## The long histories: SEEDS random ones, late rows of ten tables, plans at full size.
	$(GO) test ./pipeline -run 'TestComplete$$' -timeout 1h -rapid.checks=$(SEEDS)
	$(GO) test ./pipeline -run 'TestLateRows$$' -timeout 1h -fleet-tables 10
	$(GO) test ./source -run 'Plan$$' -timeout 1h -plan-cells -plan-cap 100000 -plan-rows 4000000 -plan-heavy 300000 -plan-runs 8

queries: ## QUERIES custom queries, drawn by a grammar, against their judge; the tables of docs/evidence.md.
	$(GO) test ./source/kql/queries -run 'TestQueries$$' -count=1 -timeout 3h -v -queries=$(QUERIES)

$(LINT):
	mkdir -p bin
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_LINT_VERSION)
	mv bin/golangci-lint $(LINT)

fmt: $(LINT) ## gofumpt and goimports, both modules.
	$(LINT) fmt ./...
	cd test && ../$(LINT) fmt -c ../.golangci.yml ./...

lint: $(LINT) ## All linters, both modules.
	$(LINT) run ./...
	cd test && ../$(LINT) run -c ../.golangci.yml ./...

tidy: ## Fails when go.mod or go.sum is not tidy. (In test/ it would fetch DuckDB for every system.)
	$(GO) mod tidy -diff

# The tests run the exporter as a program of its own, which the test cache does not see.
e2e: ## End to end: real Kafka, S3 server, engines that read the files, Helm.
	cd test && $(GO) test -count=1 -timeout 30m ./...

bench: ## Benchmarks, peers and a profile into docs/performance.md, a quarter of an hour.
	cd test && $(GO) run ./peers -rounds 3 -doc ../docs/performance.md

fuzz: ## Every fuzz test for FUZZTIME.
	@set -e; for package in $$($(GO) list ./...); do \
		for name in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

cover: ## Coverage of the unit tests, per function, into bin/.
	mkdir -p bin
	$(GO) test -coverpkg=./... -coverprofile=bin/cover.out ./...
	$(GO) tool cover -html=bin/cover.out -o bin/cover.html
	$(GO) tool cover -func=bin/cover.out | tail -1

helm: ## Tests of the chart.
	cd test && $(GO) test ./helm

generate: ## Writes what comes from settings and commands: the README's table, the chart's schema and presets, docs/commands.md.
	$(GO) test ./config -run TestGenerated -update
	$(GO) test ./cmd/exporter -run TestReference -update

golden: ## Rewrites the chart's golden files.
	cd test && $(GO) test ./helm -run TestGolden -update

check: tidy lint test helm build

clean:
	rm -rf bin test/.cache
