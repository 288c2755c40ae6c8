# Everything that is done with this repository, by name. `make help` prints the list.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run dev check test fmt lint unit compat sdk web deny advisories bench bench-web load scaling simulate sabotage faults fuzz crash demo cluster

DATA ?= ./data
LISTEN ?= 127.0.0.1:8080
KILLS ?= 50
SECONDS ?= 600
FAULTS ?= --kills 300 --cuts 100 --until-acknowledged 5000000 --seconds $(SECONDS)
SEEDS ?= 10000

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: ## Build the release with the web client and serve on ./data (DATA=…, LISTEN=…)
	scripts/web build
	cargo build --release --locked --package semel-cli
	exec ./target/release/semel serve --data-dir "$(DATA)" --listen "$(LISTEN)"

dev: ## Serve a debug build with more in the log, and the web client with hot reload on http://127.0.0.1:5173
	scripts/web build
	(cd web && SEMEL_URL="http://$(LISTEN)" npm run --silent dev) & trap "kill $$!" EXIT; \
	  SEMEL_LOG_FILTER=info,semel_server=debug,semel_backends=debug \
	  cargo run --package semel-cli -- serve --data-dir "$(DATA)" --listen "$(LISTEN)"

check: ## Quick look: formatting, types, lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings

test: fmt lint unit compat sdk web deny ## Everything that CI runs
	@scripts/report

fmt:
	@scripts/begin
	cargo fmt --all --check

lint: fmt
	cargo clippy --workspace --all-targets --locked -- --deny warnings

unit: lint ## All Rust tests, the tidy checks among them
	scripts/rust-tests

compat: ## Official Socket.IO clients, mail server, OpenID provider, requests made from the OpenAPI document
	compat/run.sh

web: ## The web client: lints, types, tests, build, size, then in a browser against the program
	scripts/web

sdk: ## The TypeScript SDK: lints, types, tests in Node and in a browser, size, package
	scripts/sdk

deny: ## Licences, sources and forbidden dependencies
	scripts/deny

advisories: ## Known defects in the crates and packages of others (needs the network)
	cargo deny --locked check advisories
	cd sdk && npm audit --omit=dev
	cd web && npm audit --omit=dev

load: ## Load a server of its own by named scenarios (LOAD='--scenario all --check'; `semel load --help`)
	cargo build --release --locked --package semel-cli
	./target/release/semel load $(LOAD)

bench: ## Messages a second, latencies, memory, fsyncs: on this machine, from outside (BENCH='--seconds 20 --json FILE')
	cargo run --release --locked --package semel-testkit --bin bench -- $(BENCH)

bench-web: ## The budgets of the web client: sizes, first paint, opening a thread of 100,000 messages, writing, scrolling
	scripts/web build
	cargo build --release --locked --package semel-cli
	cd web && SEMEL_BIN="$(CURDIR)/target/release/semel" SEMEL_BENCH_PAGE=../docs/PERFORMANCE.md npm run --silent bench

scaling: ## How cost grows with servers, connections, threads and people; write the tables of docs/SCALING.md (SCALING='--seconds 4')
	cargo build --release --locked --package semel-cli
	cargo run --release --locked --package semel-testkit --bin scaling -- $(SCALING)

simulate: ## Run everything under a seeded scheduler with faults, many times (SEEDS=…)
	cargo run --release --locked --package semel-sim -- --seeds "$(SEEDS)" --report target/reports/simulate.json
	cargo run --release --locked --package semel-testkit --bin reports

sabotage: ## Give the simulation every deliberate defect, which it must find; write the table
	cargo run --release --locked --package semel-sim -- --every-defect 100 --report target/reports/sabotage.json
	cargo run --release --locked --package semel-testkit --bin reports

faults: ## Break a server in every way for half an hour, each run judged (SECONDS=…, FAULTS='power --cuts 20')
	cargo run --release --locked --package semel-testkit --bin faults -- $(FAULTS)
	cargo run --release --locked --package semel-testkit --bin reports

fuzz: ## Lead every parser of what strangers send by coverage (SECONDS_EACH=60)
	scripts/fuzz

crash: ## Kill the server again and again under load, and judge what it did (KILLS=…)
	cargo run --release --locked --package semel-testkit --bin faults -- kill --kills "$(KILLS)"

demo: ## Replay a real IRC log as many clients, with retries and duplicates injected
	cargo build --release --locked --package semel-cli
	./target/release/semel demo $(firstword $(wildcard crates/cli/testdata/*/*.txt))

cluster: ## Three servers, PostgreSQL, Redis and HAProxy, filled with a chat log, to look at and to break (CLUSTER='--standby')
	cargo build --release --locked --package semel-cli
	SEMEL_BINARY=./target/release/semel cargo run --release --locked --package semel-testkit --bin cluster -- $(CLUSTER)
