# Every target sets up what it needs in .venv; nothing is installed elsewhere.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt
export OMP_NUM_THREADS ?= 1
# what the tests' outcome depends on
TESTED := Makefile README.md setup.cfg constraints.txt pyproject.toml \
	$(shell find adapters benchmarks datagen docs eval recipes tests -type f -not -path '*/__pycache__/*')

.PHONY: demo test check format bench bench-film bench-merge bench-engine bench-svd bench-traffic gain-small chaos soak clean

demo: .venv/base  ## make a small dataset from four prompts, its report and contact sheets
	$(BIN)/datagen run recipes/quickstart.yaml
	$(BIN)/datagen view recipes/quickstart.yaml --viewer sheet

test: .venv/tested  ## run the tests, if anything changed since they passed

check: .venv/dev  ## the gate: format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

.venv/tested: .venv/dev $(TESTED)
	$(BIN)/python -m pytest
	touch $@

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/base  ## frames per second of the ray-caster, and where the time goes
	$(BIN)/python benchmarks/raycast.py

bench-film: .venv/base  ## seconds per clip of the film model, where they go, and how idle a run leaves the cores
	$(BIN)/python benchmarks/film.py

bench-merge: .venv/base  ## time and memory of merging 1,000 scenes
	$(BIN)/python benchmarks/merge.py

chaos: .venv/dev  ## break the engine on purpose: every fault, on a real Ray
	$(BIN)/python -m pytest -m "" tests/chaos

soak: .venv/dev  ## 500 cheap clips, a random fault every few seconds
	$(BIN)/python tests/chaos/soak.py

bench-engine: .venv/base  ## the engine's overhead against a plain loop
	$(BIN)/python benchmarks/engine.py

bench-svd: .venv/base  ## the film at Stable Video Diffusion's size beside diffusers' own pipeline (wants a GPU of 80 GB)
	$(BIN)/python benchmarks/svd.py

bench-traffic: .venv/base  ## scenes per second and core, from words to motion
	$(BIN)/python benchmarks/traffic.py

gain-small: .venv/mmdet3d .venv/sumo  ## does synthetic data help a small detector? two arms, three seeds
	$(BIN)/python -m eval gain recipes/experiments/gain_small.yaml

clean:
	rm -rf .venv runs build *.egg-info

# torch comes first and alone, so that nothing that depends on it chooses another build
.venv/torch: constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) pip setuptools wheel
	$(PIP) torch==2.13.0
	touch $@

.venv/base: .venv/torch setup.cfg
	$(PIP) --no-build-isolation --editable .
	touch $@

.venv/dev: .venv/base .venv/mmdet3d
	$(PIP) --no-build-isolation --editable .[sumo,rerun,dev]
	touch $@

.venv/sumo: .venv/base
	$(PIP) --no-build-isolation --editable .[sumo]
	touch $@

# without their own requirements, which are a gigabyte of what is not used here
.venv/mmdet3d: .venv/base
	$(PIP) --no-build-isolation --editable .[mmdet3d]
	$(PIP) --no-deps mmengine mmcv-lite mmdet mmdet3d lyft-dataset-sdk
	touch $@
