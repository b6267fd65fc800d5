# make figures   the figures and the report of the default preset
# make test      every check and test, the smoke preset end to end
# Variables: PYTHON (3.11 to 3.13), TORCH (what pip installs for PyTorch), CORES, PRESET, TARGET.

PYTHONS := 3.13 3.12 3.11
VERSION := -c 'import sys; print("%d.%d" % sys.version_info[:2])'
# The version that .venv has, else the newest of these that is installed and runs (a shim may stand for none).
PYTHON ?= $(shell for v in $$($(BIN)/python $(VERSION) 2>/dev/null) $(PYTHONS); do \
  p=$$(command -v python$$v) && $$p -c '' 2>/dev/null && echo $$p && exit; done; command -v python3)
# CUDA users on Linux: this default is the CUDA build. CPU only: see docs/install.md for the smaller build.
TORCH  ?= torch==2.13.0
CORES  ?= $(shell getconf _NPROCESSORS_ONLN)
PRESET ?= smoke
# For `make test-pythons`: see there.
WITH_TORCH ?=
TARGET ?=

VENV      := .venv
BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PYTHONHASHSEED := 0

.PHONY: figures setup test test-pythons test-slurm wheel lock format schema clean
.DEFAULT_GOAL := figures

figures: $(INSTALLED)
	@$(BIN)/snakemake --cores $(CORES) --config preset=$(PRESET) -- $(TARGET)
	@$(BIN)/python -m panda report where --preset $(PRESET)

setup: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@case " $(PYTHONS) " in *" $$($(PYTHON) $(VERSION) 2>/dev/null) "*) ;; *) \
	  echo "error: $(if $(PYTHON),$(PYTHON) is none,there is none here) of Python $(PYTHONS); say make PYTHON=/path/to/python3.13"; exit 1;; esac
	@test "$$($(BIN)/python $(VERSION) 2>/dev/null)" = "$$($(PYTHON) $(VERSION))" || rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

test: $(INSTALLED)
	@$(BIN)/python -m tests.run_all

# The unit tests that need no PyTorch on the other versions of Python that are installed; all unit tests if WITH_TORCH
# says what pip installs for PyTorch.
test-pythons: $(INSTALLED)
	@$(BIN)/python -m tests.pythons $(WITH_TORCH)

test-slurm: $(INSTALLED)
	@$(BIN)/python -m tests.slurm.run

# `build` keeps what is no longer in the tree, and setuptools would pack it.
wheel: $(INSTALLED)
	@rm -rf build
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

# The lock is resolved without torch, which `TORCH` installs first; needs uv.
lock:
	echo 'torch ; python_version < "0"' > .without-torch.txt
	uv pip compile pyproject.toml --extra dev --extra baselines --extra slurm --override .without-torch.txt \
	  --python-version 3.11 --universal --generate-hashes --no-header --quiet --output-file requirements.lock
	rm .without-torch.txt

format: $(INSTALLED)
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/snakefmt workflow

# What is generated from the configuration and the command line; tests hold it in sync.
schema: $(INSTALLED)
	$(BIN)/python -m panda config schema --output workflow/schemas/config.schema.json
	$(BIN)/python -m docs.generate

clean:
	rm -rf results/smoke .cache .snakemake
