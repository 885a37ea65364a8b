# One command each. Everything runs in an environment that is pinned by requirements/dev.txt and made on first use,
# outside the repository; the real tools that tests run come from tests/tools/install.py in the same way.
PYTHON ?= python3
ENVIRONMENT = $(shell $(PYTHON) scripts/environment.py)
RUN = PYTHONPATH="$(CURDIR)/src" $(ENVIRONMENT)/bin/python -P
PYTEST = $(RUN) -m pytest
WORKERS ?= 2

.PHONY: help demo test check unit tools chain generate accept bench equality lock new-rule new-target new-kind clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed 's/:.*  ## /\t/' | expand -t 14

demo:  ## compile the example, start what it describes, and put it to its evals
	$(PYTHON) tests/tools/install.py litellm promptfoo haystack nemo-guardrails retrieval
	$(RUN) scripts/demo.py

test:  ## all that CI runs
	$(PYTHON) tests/tools/install.py
	$(MAKE) check unit equality tools chain

check:  ## style, types, layers, and generated files that are up to date
	$(RUN) -m ruff check .
	MYPYPATH=src $(RUN) -m mypy -p llmops
	$(RUN) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	$(RUN) scripts/generate.py --check
	$(RUN) scripts/lock.py --check

unit:  ## tests that run nothing but the compiler
	$(PYTEST) -n $(WORKERS) -m "not tools and not chain" tests

tools:  ## each artifact is accepted by the tool that reads it, each validator refuses its broken twin
	$(PYTEST) -m tools tests

chain:  ## what was compiled, run as a whole
	$(PYTEST) -m chain tests

generate:  ## types, reference pages and schemas that are made from other files
	$(RUN) scripts/generate.py

accept:  ## rewrite golden files and transcripts; review the difference
	LLMOPS_ACCEPT=1 $(PYTEST) -n $(WORKERS) -m "not tools and not chain" tests

bench:  ## speed, as ratios in one run
	$(RUN) bench/run.py

equality:  ## our composition against Hydra's own, on both supported versions
	$(RUN) scripts/equality_matrix.py

lock:  ## solve the lock files again
	$(RUN) scripts/lock.py

new-rule:  ## make new-rule AREA=serving CODE=SRV027 NAME=some-name
	$(RUN) scripts/new.py rule $(AREA) $(CODE) $(NAME)

new-target:  ## make new-target NAME=some-tool
	$(RUN) scripts/new.py target $(NAME)

new-kind:  ## make new-kind NAME=some_kind
	$(RUN) scripts/new.py kind $(NAME)

clean:
	rm -rf build dist .mypy_cache .ruff_cache .hypothesis
