# Each line calls `cargo xtask`, which says what it does; arguments go in ARGS.

.PHONY: run test check bench

run: ## build and start the demonstration; prints the console's address and a one-time sign-in link
	cargo xtask run $(ARGS)

test: ## everything CI runs, after installing the peers that it needs (apt)
	cargo xtask test $(ARGS)

check: ## everything but the tests
	cargo xtask check $(ARGS)

bench: ## performance against peers; writes target/bench/report.md
	cargo xtask bench $(ARGS)
