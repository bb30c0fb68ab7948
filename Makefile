# The commands of this project. `make test` runs every test. `make ci` must pass before a change lands.

CARGO ?= cargo

.PHONY: sdks readme test first-run soak servers
.PHONY: model operations
.PHONY: ci fmt lint docs doc-examples features providers minimal-versions package
.PHONY: examples benches bench-smoke report
.PHONY: release semver fuzz mutants

# Runs every test: unit, integration and documentation tests, with all features. Some start real servers.
test: servers
	$(CARGO) test --locked --workspace --all-features

# Limits the number of crates that the README's first command compiles, because a newcomer waits for them.
MOST_CRATES = 110
first-run:
	@crates=$$($(CARGO) tree --locked --package conversation_report --edges normal,build --prefix none --no-dedupe \
	    | awk '{print $$1, $$2}' | sort -u | wc -l); \
	echo "cargo run -p conversation_report compiles $$crates crates"; \
	test "$$crates" -gt 0 -a "$$crates" -le $(MOST_CRATES)

# Builds and runs the README's first program, as pasted.
readme:
	.ci/readme_program

# Installs the servers that tests start, if they are missing (Debian, Ubuntu, macOS).
servers:
	@tests/install-servers.sh redis-server redis-server-6 valkey-server tinyproxy faketime dynalite

# Writes the table of operations, the mock's shapes and the tests' CSV from the newest official SDK, or from its version VERSION. pip
# downloads it. Fails if a new POST has no class in definition/classes.csv.
VERSION ?=
operations:
	definition/generate $(VERSION)

ci: fmt first-run readme lint docs doc-examples features providers minimal-versions package benches bench-smoke examples model test

fmt:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --all --check --manifest-path benches/peers/Cargo.toml

lint:
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	$(CARGO) clippy --locked --no-default-features -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --all-features --package tower-genesys --package tower-genesys-dynamodb

# Checks that every public item has an example or a link to one, has one path, and follows the naming grammar. `RUSTC_BOOTSTRAP`:
# the JSON output of rustdoc is unstable.
doc-examples:
	RUSTC_BOOTSTRAP=1 $(CARGO) rustdoc --locked --lib --all-features --target-dir target/json -- -Z unstable-options --output-format json
	.ci/without_example target/json/doc/tower_genesys.json
	.ci/one_path --root 24 target/json/doc/tower_genesys.json
	.ci/grammar target/json/doc/tower_genesys.json

# Simulates days of five organisations in trouble, and accounts for each call, send and token request. `make test` runs two days.
SOAK_DAYS ?= 30
soak:
	SOAK_DAYS=$(SOAK_DAYS) $(CARGO) test --locked --release --all-features --test soak -- --nocapture

# Checks the token cache under many orders of threads, and the protocols of a shared token and of a shared limit under all orders
# of events. `--release`: the limit has millions of states, which take minutes without optimisation.
model:
	RUSTFLAGS="--cfg stateright" $(CARGO) test --release --locked --target-dir target/model --lib -- --nocapture store::model limiter::model
	RUSTFLAGS="--cfg shuttle" $(CARGO) test --locked --target-dir target/model --lib token::cache::tests::model

# Checks any two features together, each alone, and none.
# No feature may change how other crates behave: only the program decides whether serde_json keeps the order of fields.
features:
	! $(CARGO) tree --locked --package tower-genesys --all-features --edges normal,features --invert serde_json | grep preserve_order
	$(CARGO) hack --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-hack
	$(CARGO) hack check --locked --feature-powerset --depth 2 --exclude-features default

# Checks that the tree has the crypto provider that the features name, and no other. Without one, TLS uses the user's or is an error.
providers:
	.ci/providers
	$(CARGO) test --locked --no-default-features --features client,redis-cluster --test no_provider

# Builds with the oldest versions that Cargo.toml allows. `RUSTC_BOOTSTRAP`: the option is unstable.
minimal-versions:
	rm -rf target/minimal-versions && mkdir -p target/minimal-versions
	cp -r README.md docs examples src target/minimal-versions 2>/dev/null || true
	sed -e '/^\[dev-dependencies\]/,/^\[lints/{/^\[lints/!d}' -e '/^members = /d' Cargo.toml > target/minimal-versions/Cargo.toml
	cd target/minimal-versions && RUSTC_BOOTSTRAP=1 $(CARGO) update -Z direct-minimal-versions
	cd target/minimal-versions && $(CARGO) check --lib --all-features
	cd target/minimal-versions && $(CARGO) check --lib --no-default-features

# Builds the crate as it would be published.
package:
	$(CARGO) package --locked --allow-dirty

# Checks before a release: licences, advisories, and the types of other crates in the public API. Needs cargo-deny (and the network
# for its advisories) and cargo-check-external-types.
release: ci
	$(CARGO) deny check
	RUSTC_BOOTSTRAP=1 $(CARGO) check-external-types --all-features

# Looks for breaking changes since the version SINCE. Needs cargo-semver-checks.
SINCE ?= v0.1.0
semver:
	$(CARGO) semver-checks --all-features --baseline-rev $(SINCE)

# Runs every example. Without credentials in the environment, each has its own mock. One starts a real Redis, one an emulator of DynamoDB.
examples: servers
	$(CARGO) build --locked --workspace --all-features --examples --bins
	@set -e; for example in $$(ls examples | sed 's/\.rs$$//'); do \
	    echo "== $$example"; \
	    which="--all-features --example $$example"; \
	    test ! -e examples/$$example/Cargo.toml -a ! -e examples/$$example/program || which="--package $$example"; \
	    env -u GENESYS_CLIENT_ID -u GENESYS_CLIENT_SECRET -u GENESYS_REGION -u GENESYS_ENVIRONMENT \
	        -u GENESYS_LOGIN_URL -u GENESYS_API_URL -u GENESYS_ALLOW_LOOPBACK \
	        -u GENESYSCLOUD_OAUTHCLIENT_ID -u GENESYSCLOUD_OAUTHCLIENT_SECRET -u GENESYSCLOUD_REGION \
	        $(CARGO) run --locked --quiet $$which; \
	done
	@echo "== shared_token"; $(CARGO) run --locked --quiet --package tower-genesys-dynamodb --example shared_token

# Runs the official SDKs for Python and JavaScript against the mock. Needs python3, npm, and their registries.
sdks:
	python3 -m venv target/sdks && target/sdks/bin/pip install --quiet --requirement benches/sdks/requirements.txt
	npm install --prefix benches/sdks --no-package-lock --no-audit --no-fund --silent
	SDK_PYTHON=target/sdks/bin/python SDK_NODE=node $(CARGO) run --locked --example sdks_check

benches:
	$(CARGO) bench --locked --no-run

# The peers are a separate workspace, so that no other command builds them.
PEERS = --locked --manifest-path benches/peers/Cargo.toml
PEERS_TARGET ?= target/peers

# Counts the allocations, retained bytes, instructions, token requests and sends of the benches, and compares them with the expected
# numbers. Measures no times. One bench starts a real Redis. `test-util` would slow tokio's clock down, and falsify the numbers.
bench-smoke: servers
	@if $(CARGO) tree $(PEERS) --edges features --invert tokio | grep --quiet test-util; then \
	    echo "benches/peers must not enable tokio's test-util"; exit 1; \
	fi
	$(CARGO) bench --locked -- --test
	$(CARGO) build $(PEERS) --release -p peers --target-dir $(PEERS_TARGET)
	$(PEERS_TARGET)/release/counts --check
	$(PEERS_TARGET)/release/report --quick --only growth > /dev/null
	@tests/install-servers.sh valgrind
	$(PEERS_TARGET)/release/report --check --only instructions > /dev/null
	$(PEERS_TARGET)/release/report --drawn docs/performance.md

# Measures everything, beside its peers, and writes the tables and pictures of docs/performance.md. Run it on an idle machine, which
# the page then describes.
report:
	@tests/install-servers.sh valgrind
	$(CARGO) build $(PEERS) --release -p peers --target-dir $(PEERS_TARGET)
	$(PEERS_TARGET)/release/report docs/performance.md

# Redraws the pictures of docs/performance.md from its tables.
pictures:
	$(CARGO) build $(PEERS) --release -p peers --target-dir $(PEERS_TARGET)
	$(PEERS_TARGET)/release/report --draw docs/performance.md

# Needs cargo-fuzz and a nightly compiler. New inputs stay out of the committed corpora.
SECONDS_EACH ?= 60
fuzz:
	@set -e; for target in $$(ls fuzz/corpus); do \
	    echo "== $$target"; \
	    mkdir -p fuzz/target/corpus/$$target; \
	    $(CARGO) +nightly fuzz run $$target fuzz/target/corpus/$$target fuzz/corpus/$$target -- \
	        -max_total_time=$(SECONDS_EACH) -max_len=4096; \
	done

# Changes decisions in the code, and lists the changes that no test notices. Needs cargo-mutants, works on copies of the tree, and is
# not part of CI. Each part runs the tests of its own module only. There are about 1,700 mutants: a run takes share SHARE of SHARES.
SHARE ?= 0
SHARES ?= 8
MUTANTS = CARGO_PROFILE_DEV_DEBUG=0 nice $(CARGO) mutants --sharding round-robin --shard $(SHARE)/$(SHARES)
# `--cargo-arg` builds each mutant into these test programs only.
mutants:
	@mkdir -p target/mutants; missed=0; set -f; \
	part() { name=$$1; files=$$2; tests=$$3; echo "== $$name"; \
	    $(MUTANTS) --output target/mutants/$$name $$(printf ' --file %s' $$files) $$(printf ' --cargo-arg=%s' $$tests) || missed=1; \
	}; \
	part rules "src/token/cache/machine/** src/limiter/** src/store/book/** src/store/record.rs" \
	    "--lib --test=limit --test=sharing"; \
	part layers "src/retry/call/** src/retry/classify/** src/replay/body/log.rs src/replay/body/turns.rs src/bearer/**" \
	    "--lib --test=retry --test=replay --test=bearer --test=limit"; \
	part paging "src/genesys/paging/**" "--lib --test=paging"; \
	exit $$missed
