# Everything runs in .venv, which every target fills first; doing it again costs nothing.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --constraint constraints.txt --build-constraint constraints.txt
# Two cores are two processes of tests; what the tests of a file share is made in one of them.
PYTEST := $(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)

.PHONY: setup demo test test-slow test-all lint clean

setup: $(VENV)/.complete

# Without an NVIDIA GPU the CPU build of torch goes in first, where pip can find one: the default one brings gigabytes
# of CUDA packages. fairseq's metadata forbids current hydra and omegaconf and asks for torchaudio, hence --no-deps.
$(VENV)/.complete: setup.py pyproject.toml constraints.txt mtdeep/fairseq_plugin/mtdeep-fairseq.pth
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --upgrade pip
	nvidia-smi -L >/dev/null 2>&1 || $(PIP) "torch==$(TORCH)+cpu" || echo "No CPU build of torch found: taking the default one"
	$(PIP) --editable ".[dev]"
	$(PIP) --no-deps fairseq==0.12.2
	touch $@

demo: setup
	$(VENV)/bin/python scripts/demo.py

test: setup
	$(PYTEST) -m "not slow"

test-slow: setup
	$(PYTEST) -m slow

test-all: setup
	$(PYTEST)

lint: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy

clean:
	rm -rf $(VENV) build dist demo *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
