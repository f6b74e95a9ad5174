# The commands of this project; `make help` lists them. Needs make and Python 3.11 or later, nothing else.

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
UV = .cache/uv/bin/uv
UV_VERSION = 0.13.9

# One lock for Python 3.11 and later on every platform, with the hash of every file of each version.
COMPILE = $(UV) pip compile pyproject.toml - --universal --python-version 3.11 --generate-hashes --quiet \
	--custom-compile-command 'make lock'

.PHONY: help run test simulate lint bench sbom audit lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.runtime ## install, migrate, load the demo into an empty data directory, serve on http://127.0.0.1:8080
	@$(BIN)/cchc run $(ARGS)

test: $(VENV)/.dev ## run all tests that this machine can run, and say which it can't (ARGS= for pytest)
	@$(BIN)/pytest -n auto --dist loadfile $(ARGS)

simulate: $(VENV)/.dev ## run the whole installation over stand-ins, with faults from 10,000 seeds (ARGS="--seed N" replays one)
	@$(BIN)/python -m tests.simulation --seeds 10000 $(ARGS)

lint: $(VENV)/.dev ## ruff, formatting, import contracts, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(VENV)/.dev ## print speed and memory, each figure beside its baseline
	@$(BIN)/python -m bench $(ARGS)

sbom: $(VENV)/.dev ## write build/sbom.json (CycloneDX): every package that runs, its version, licence and what needs it
	@# from an environment that holds nothing else
	@$(BIN)/python -m venv --clear .cache/runtime
	@.cache/runtime/bin/pip --disable-pip-version-check --quiet install --require-hashes -r requirements.txt
	@.cache/runtime/bin/pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --no-index --editable .
	@mkdir -p build
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
	  --output-format JSON --output-file build/sbom.json .cache/runtime
	@echo "build/sbom.json"

audit: $(VENV)/.dev ## look up known vulnerabilities of what runs; fails also for a package that could not be looked up
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.txt --progress-spinner off

lock: $(UV) ## write requirements*.txt anew from pyproject.toml; keeps versions that still fit (UPGRADE=--upgrade: takes the newest)
	@# setuptools builds the package without isolation, so it is locked like the rest
	echo 'setuptools>=77' | $(COMPILE) $(UPGRADE) --output-file requirements.txt
	echo 'setuptools>=77' | $(COMPILE) $(UPGRADE) --all-extras --constraints requirements.txt --output-file requirements-dev.txt

clean: ## remove the environment and the caches, never the data
	rm -rf $(VENV) .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# Stamps: what a stamp stands for is done again only when one of the files behind it is newer.
$(VENV)/.made:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "make: needs Python 3.11 or later; found: $$(python3 --version 2>&1). Name another with make PYTHON=/path/to/python" >&2; \
	  exit 1; \
	fi; \
	echo "Creating $(VENV) with $$($$found --version)"; \
	$$found -m venv $(VENV) || { echo "make: $$found has no venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements.txt pyproject.toml
	@echo "Installing what cchc needs to run"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	@echo "Installing what its tests need"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

$(UV):
	@python3 -m venv .cache/uv
	@.cache/uv/bin/pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)
