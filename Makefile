# Everything that is done with this repository, by name. `make help` prints the list.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run dev check test fmt lint unit compat deny bench load simulate sabotage faults crash demo

DATA ?= ./data
LISTEN ?= 127.0.0.1:8080
KILLS ?= 50
SECONDS ?= 600
FAULTS ?= --kills 300 --cuts 100 --until-acknowledged 5000000 --seconds $(SECONDS)
SEEDS ?= 10000

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: ## Build the release and serve on ./data (DATA=…, LISTEN=…)
	cargo build --release --locked --package semel-cli
	exec ./target/release/semel serve --data-dir "$(DATA)" --listen "$(LISTEN)"

dev: ## Serve a debug build with more in the log
	SEMEL_LOG_FILTER=info,semel_server=debug,semel_backends=debug \
	  cargo run --package semel-cli -- serve --data-dir "$(DATA)" --listen "$(LISTEN)"

check: ## Quick look: formatting, types, lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings

test: fmt lint unit compat deny ## Everything that CI runs
	@scripts/report

fmt:
	@scripts/begin
	cargo fmt --all --check

lint: fmt
	cargo clippy --workspace --all-targets --locked -- --deny warnings

unit: lint ## All Rust tests, the tidy checks among them
	scripts/rust-tests

compat: ## The official Socket.IO clients (JavaScript, Python) and the page, against a real server
	compat/run.sh

deny: ## Licences, sources and forbidden dependencies
	scripts/deny

load: ## Load a server of its own by named scenarios (LOAD='--scenario all --check'; `semel load --help`)
	cargo build --release --locked --package semel-cli
	./target/release/semel load $(LOAD)

bench: ## Messages a second, latencies, memory, fsyncs: on this machine, from outside (BENCH='--seconds 20 --json FILE')
	cargo run --release --locked --package semel-testkit --bin bench -- $(BENCH)

simulate: ## Run everything under a seeded scheduler with faults, many times (SEEDS=…)
	cargo run --release --locked --package semel-sim -- --seeds "$(SEEDS)" --report target/reports/simulate.json
	cargo run --release --locked --package semel-testkit --bin reports

sabotage: ## Give the simulation every deliberate defect, which it must find; write the table
	cargo run --release --locked --package semel-sim -- --every-defect 100 --report target/reports/sabotage.json
	cargo run --release --locked --package semel-testkit --bin reports

faults: ## Break a server in every way for half an hour, each run judged (SECONDS=…, FAULTS='power --cuts 20')
	cargo run --release --locked --package semel-testkit --bin faults -- $(FAULTS)
	cargo run --release --locked --package semel-testkit --bin reports

crash: ## Kill the server again and again under load, and judge what it did (KILLS=…)
	cargo run --release --locked --package semel-testkit --bin faults -- kill --kills "$(KILLS)"

demo: ## Replay a real IRC log as many clients, with retries and duplicates injected
	cargo build --release --locked --package semel-cli
	./target/release/semel demo $(firstword $(wildcard crates/cli/testdata/*/*.txt))
