# Everything starts here; CONTRIBUTING.md says what each command is for.
.PHONY: install demo test lint fmt bench docs wheel clean

# The first of these that is new enough makes .venv; afterwards .venv/bin/python is used.
SYSTEM_PYTHON := $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.14,\
  $(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
PYTHON := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)

install:
ifeq ($(SYSTEM_PYTHON),)
	$(error Glassblock needs Python 3.11 or newer, and none was found: apt install python3)
endif
	@$(SYSTEM_PYTHON) tools/install.py

demo: install
	@$(PYTHON) tools/demo.py

test: install
	@$(PYTHON) tools/check.py

lint: install
	@$(PYTHON) tools/check.py lint

fmt: install
	@$(PYTHON) tools/generate_wire.py
	@$(PYTHON) -m ruff check --fix --exit-zero --quiet
	@$(PYTHON) -m ruff format
	@npm run --silent fmt

docs: install
	@$(PYTHON) tools/check.py links

bench: install
	@$(PYTHON) tools/check.py bench

wheel: install
	@rm -rf dist
	@$(PYTHON) -m hatchling build -t sdist -t wheel
	@ls -l dist

clean:
	rm -rf .venv node_modules ui-tests/node_modules lib dist python_pkg/glassblock/static python_pkg/glassblock/labextension
