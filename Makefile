# One file, two commands: `make run` and `make test`. `make` alone lists what there is.

PORT ?= 8000
VAR ?= var
# Further arguments for pytest: make test ARGS="-k codes -x"
ARGS ?=

VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/ready
# The folders that need neither a server nor a browser.
QUICK := $(wildcard tests/domain tests/activities tests/web tests/replay tests/development)

.DEFAULT_GOAL := help
.PHONY: help run test test-quick check defences format lock shots history bench bench-desk bench-timing clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## Start everything on PORT=8000, with its data in VAR=var
	@$(PYTHON) cli.py dev --port $(PORT) --var $(VAR)

test: $(READY) ## Every test; gets what is missing first
	@$(PYTHON) -m development.tools
	$(PYTHON) -m pytest $(ARGS)

test-quick: $(READY) ## The tests that need no server and no browser
	$(PYTHON) -m pytest $(QUICK) $(ARGS)

check: $(READY) ## Style, types, layers, spelling, lock
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/codespell
	@$(PYTHON) -m development.lock --check

defences: $(READY) ## Take every defence out, one at a time, and see its test fail
	@$(PYTHON) -m development.defences $(ARGS)

format: $(READY) ## Bring the code into shape
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

lock: $(READY) ## Write requirements.lock again, with the newest versions
	@$(PYTHON) -m development.lock

shots: $(READY) ## Screenshots of every page, into VAR/shots
	@$(PYTHON) -m development.tools
	@$(PYTHON) -m tests.e2e.shots --into $(VAR)/shots

history: $(READY) ## Record histories for the replay tests
	@$(PYTHON) -m tests.replay.record

bench: $(READY) ## Measure recoveries beside two floors and open cases, and the desk (an hour; see bench/README.md)
	$(PYTHON) -m bench.recoveries
	$(PYTHON) -m bench.open_cases
	$(PYTHON) -m bench.profile
	$(PYTHON) -m bench.desk

bench-desk: $(READY) ## Measure the desk alone, beside a million cases (half an hour, 12 GB of disk, PostgreSQL)
	$(PYTHON) -m bench.desk

bench-timing: $(READY) ## Whether known and unknown people can be told apart by the clock (five minutes, quiet machine)
	$(PYTHON) -m bench.timing

clean: ## Remove what tools have left; not the data in VAR
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# One stamp for the environment: a warm start does not look at packages at all.
$(READY): requirements.lock development/reinstate.sh
	@sh development/environment.sh $(VENV)
	@touch $@
