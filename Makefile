# The module proxy alone, without the usual ",direct": some modules' own hosts can't be reached from everywhere.
export GOPROXY ?= https://proxy.golang.org
export CGO_ENABLED = 1

TOOL = go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help run build test check bench generate test-deps toolchain

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Build and start devlogs with its built-in configuration
	@./bin/devlogs

build: toolchain ## Build bin/devlogs
	@echo "building bin/devlogs (the first build compiles everything and takes a few minutes)"
	@go build -ldflags "-s -w" -o bin/devlogs ./cmd/devlogs

test: toolchain test-deps ## Run all tests with the race detector
	go test -race -timeout 20m ./...

check: toolchain ## Formatting, vet, linters, and generated code that is current
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "run: gofmt -w ." >&2; exit 1; }
	go vet ./...
	$(TOOL) golangci-lint run
	tools/generated.sh

bench: build ## Measure bin/devlogs end to end and write a report
	go run ./bench -out bench/reports/local

generate: toolchain ## Bring generated code up to date with metadata.yaml files and builder-config.yaml
	go generate ./...

test-deps: ## Install the servers and clients that tests run against
	@for script in tools/testdeps/*.sh; do [ ! -f "$$script" ] || sh "$$script" || exit 1; done

toolchain:
	@tools/toolchain.sh
