# The commands of this project. `make test` runs every test; `make ci` is what has to pass before a change lands.

CARGO ?= cargo

.PHONY: test model ci fmt lint docs features examples benches bench-smoke report fuzz

# Every test: unit, integration and documentation tests, with all features.
test:
	$(CARGO) test --locked --all-features

ci: fmt lint docs test model features examples benches bench-smoke

fmt:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --all --check --manifest-path benches/peers/Cargo.toml

lint:
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings
	$(CARGO) clippy --locked --no-default-features -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --all-features

# The token cache under many orders of threads, by a model checker.
model:
	RUSTFLAGS="--cfg shuttle" $(CARGO) test --locked --target-dir target/model --lib token::cache::tests::model

# What is optional can be left out.
features:
	$(CARGO) check --locked --no-default-features
	$(CARGO) check --locked --no-default-features --features testing
	$(CARGO) check --locked --no-default-features --features tower

# Without credentials in the environment, every example runs against a mock of its own.
examples:
	$(CARGO) build --locked --examples
	@set -e; for example in $$(ls examples | sed 's/\.rs$$//'); do \
	    echo "== $$example"; \
	    env -u GENESYS_CLIENT_ID -u GENESYS_CLIENT_SECRET -u GENESYS_REGION \
	        -u GENESYSCLOUD_OAUTHCLIENT_ID -u GENESYSCLOUD_OAUTHCLIENT_SECRET -u GENESYSCLOUD_REGION \
	        $(CARGO) run --locked --quiet --example $$example; \
	done

benches:
	$(CARGO) bench --locked --no-run

# The peers are a workspace of their own, so that nobody else builds them.
PEERS = --locked --manifest-path benches/peers/Cargo.toml
PEERS_TARGET ?= target/peers

# Every allocation, token request and send of the benches, counted and held against what it has to be. Takes no time of
# anything. `test-util` would make tokio's clock, and so all numbers, slower than they are for users.
bench-smoke:
	@if $(CARGO) tree $(PEERS) --edges features --invert tokio | grep --quiet test-util; then \
	    echo "benches/peers must not enable tokio's test-util"; exit 1; \
	fi
	$(CARGO) bench --locked -- --test
	$(CARGO) build $(PEERS) --release -p peers --target-dir $(PEERS_TARGET)
	$(PEERS_TARGET)/release/counts --check

# Measures everything, beside its peers, and writes the tables in docs/performance.md. For a machine that does nothing
# else: the page says which it was.
report:
	$(CARGO) build $(PEERS) --release -p peers --target-dir $(PEERS_TARGET)
	$(PEERS_TARGET)/release/report docs/performance.md

# Needs cargo-fuzz and a nightly compiler. What is found on the way stays out of the committed corpora.
SECONDS_EACH ?= 60
fuzz:
	@set -e; for target in $$(ls fuzz/corpus); do \
	    echo "== $$target"; \
	    mkdir -p fuzz/target/corpus/$$target; \
	    $(CARGO) +nightly fuzz run $$target fuzz/target/corpus/$$target fuzz/corpus/$$target -- \
	        -max_total_time=$(SECONDS_EACH) -max_len=4096; \
	done
