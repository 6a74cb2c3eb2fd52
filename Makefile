# Every target does its own set-up in .venv and nothing that is up to date is done again.
# `make help` lists them; ARGS="..." passes arguments on to demo, test and bench.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
	done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
FUZZ_ITERS ?= 2000000
FUZZ_SECONDS ?= 60
SOAK_MINUTES ?= 30
# Programs that some tests use; without one its tests skip and say so.
PACKAGES := chromium shellcheck valgrind ethtool
# Most tests wait for a venue more than they compute; 0 runs them one after the other.
TEST_WORKERS ?= 3
CARGO_TEST := cargo test --quiet --manifest-path native/Cargo.toml --no-default-features \
	--features count-compressions
# What the compiled parts are made of; Python files are used in place.
SOURCES := pyproject.toml setup.cfg constraints.txt native/Cargo.toml native/Cargo.lock \
	native/whitewire_build.py $(shell find native/src -name '*.rs') \
	$(wildcard python/whitewire/_bridge*.p[yx][xi]) python/whitewire/_native_api.pxd

.DEFAULT_GOAL := help
.PHONY: help install packages demo test matrix soak lint format bench fuzz wheel clean tools

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

tools:
	@test -n "$(PYTHON)" || { echo "whitewire: CPython 3.11 or later is missing; install it from your\
	 distribution (python3) or python.org" >&2; exit 2; }
	@command -v cargo >/dev/null || { echo "whitewire: cargo is missing; install Rust with rustup\
	 (rustup.rs) or your distribution's package cargo" >&2; exit 2; }
	@command -v cc >/dev/null || { echo "whitewire: a C compiler is missing; install your\
	 distribution's package gcc" >&2; exit 2; }
	@$(PYTHON) -c 'import os, sys, sysconfig; \
	sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' \
	|| { echo "whitewire: the headers of $(PYTHON) are missing; install your distribution's package\
	 python3-dev" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "whitewire: venv of $(PYTHON) is\
	 missing; install your distribution's package python3-venv" >&2; exit 2; }

$(VENV)/.created: | tools
	@echo "creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.installed: $(SOURCES) $(VENV)/.created | tools
	@echo "building whitewire (Rust core and Cython bridge; the first time takes a minute or two)"
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

# these two pin old urllib3, websockets, aiohttp and pydantic against ccxt and work with new ones
$(VENV)/.test: $(VENV)/.installed
	@$(PIP) install --quiet --constraint constraints.txt --group test
	@$(PIP) install --quiet --no-deps --constraint constraints.txt whitebit-python-sdk \
		aiowhitebit
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@$(PIP) install --quiet --constraint constraints.txt --group lint
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@$(PIP) install --quiet --constraint constraints.txt --group bench
	@touch $@

install: $(VENV)/.installed ## build whitewire into .venv

packages: ## install what some tests need of Debian's packages (as root)
	@missing=; for name in $(PACKAGES); do \
	command -v $$name >/dev/null || missing="$$missing $$name"; \
	done; [ -z "$$missing" ] || { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get \
	-q -y --no-install-recommends install $$missing; } >/dev/null

demo: $(VENV)/.installed ## quote on the embedded venue for 10 s (ARGS="--seconds 60 --legs 5")
	@$(BIN)/whitewire demo $(ARGS)

test: $(VENV)/.test ## run every test: Rust core, Python, the whole gateway
	$(CARGO_TEST)
	$(BIN)/python -m pytest --numprocesses $(TEST_WORKERS) --dist loadfile $(ARGS)

matrix: $(VENV)/.test ## every fault in every phase, as a table (ARGS="--only lost_ack --json FILE")
	@$(BIN)/python -m tests.matrix $(ARGS)

soak: $(VENV)/.test ## quote for SOAK_MINUTES=30 under random faults (ARGS="--seed 7")
	@$(BIN)/python -m tests.matrix.soak --minutes $(SOAK_MINUTES) $(ARGS)

lint: $(VENV)/.lint ## check style and types: ruff, mypy, stubtest, rustfmt, clippy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=tuning $(BIN)/mypy --package tunelib
	cargo fmt --check --manifest-path native/Cargo.toml
	cargo clippy --quiet --manifest-path native/Cargo.toml --all-targets -- -D warnings

format: $(VENV)/.lint ## rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cargo fmt --manifest-path native/Cargo.toml

bench: $(VENV)/.bench ## compare with rivals, as ratios of interleaved runs
	$(BIN)/python -m bench.micro.ratios $(ARGS)
	$(BIN)/python -m bench.micro.receive --rounds 3
	$(BIN)/python -m bench.micro.growth
	$(BIN)/whitewire bench tick --short --rounds 2
	$(BIN)/whitewire bench tick --minutes 1 --plain
	$(BIN)/python -m bench.tick.legs --rounds 1
	$(BIN)/python -m bench.acks.targets --rounds 20
	$(BIN)/whitewire bench acks --short

fuzz: $(VENV)/.test ## mutate frames and responses (FUZZ_ITERS, FUZZ_SECONDS)
	WHITEWIRE_FUZZ_ITERS=$(FUZZ_ITERS) $(CARGO_TEST) --release fuzz
	WHITEWIRE_FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python tests/fuzz_core.py

wheel: $(VENV)/.created ## build an sdist, and a wheel from it, into dist/
	@$(PIP) install --quiet --constraint constraints.txt build
	$(BIN)/python -m build --outdir dist

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) dist build native/target bench/native/target bench/tick/native/target \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis python/whitewire/*.so
