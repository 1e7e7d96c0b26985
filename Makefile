# make demo       trains and scores on drawn faces, and prints the scores
# make test       the test suite (make test-all adds long and privileged tests)
# make test-fast  what needs neither TensorFlow nor a run of snakemake, in a minute or so
# make report     the HTML report and the graphs of the workflow; CONFIG=my.yaml for one's own data
# make bench-near-duplicates   the search for near duplicates by the number of images, up to a million
# make bench-scores     a score of DISFA's size with its intervals beside scikit-learn
# make bench-coverage   how often intervals of scores hold the true value, in simulated benchmarks
# make bench-transfer   what to learn from: rendered faces, flat ones, or both; LONDON and DETECTOR name folder and file
# make docs       the documentation as a site, in site/
# make check      formatters, linters, layers of the package, type checker
# make bench-download   the download beside img2dataset, curl and requests
# make bench-records    the records beside TensorFlow's own way and img2dataset, the reader beside a bare decoder
# make bench-faces      the search for faces in two processes beside one; needs DETECTOR=path of YuNet's file
# make bench-train      training beside a bare Keras step and model.fit over a folder
# make bench-gpu        the training step on a GPU beside a bare one and what the chip can do; needs JAX with CUDA
# make bench-planning   how long the workflow takes to plan, to submit its first job, to find that nothing is to be done
# make bench-predict    affectflow predict beside the bare model
# make lock       locks what pyproject.toml names (needs uv); UPGRADE=--upgrade for new versions of all packages
# GPU=1 installs TensorFlow's CUDA build instead of the CPU's.
ifneq (1,$(words $(CURDIR)))
$(error Python environments do not work in a folder whose path has blanks; move the repository from $(CURDIR))
endif
SHELL := bash
PYTHON ?= python3
CORES ?= all
VENV := $(if $(GPU),.venv-gpu,.venv)
BIN := $(VENV)/bin
BUILD := $(if $(GPU),gpu,cpu)
# Python compiles modules when they are imported first, and most never are.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
TARGETS ?=
CONFIG ?=
CONFIGURED = $(if $(CONFIG),--configfile $(CONFIG))
SLOW := training prediction workflow slurm faults
WORKERS ?= 2
# A file's tests share what they set up, so they stay together (but for a few files, see tests/conftest.py).
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo starter-model test test-fast test-all report docs bench-download bench-records bench-faces bench-train bench-scores bench-near-duplicates bench-coverage bench-predict bench-gpu bench-planning bench-rendering bench-transfer check lock environment test-environment clean

demo: environment
	snakemake --cores $(CORES) results/eval/disfa_resnet.json
	@echo
	@affectflow show-scores results/eval/disfa_resnet.json
	@echo
	@echo "Next: results/eval/disfa_resnet.json (every AU, counts, provenance), results/emotionet/download_summary.csv"
	@echo "(what was lost on the way), results/annotation/video_001.mp4. 'make report' scores everything and draws it."

test: test-environment
	$(PYTEST) -m "not long and not privileged" tests

test-fast: test-environment
	$(PYTEST) -m "not long and not privileged" tests $(foreach room,$(SLOW),--ignore tests/$(room))

test-all: test-environment
	$(PYTEST) -m "long or privileged" tests

report: environment
	snakemake --cores $(CORES) $(CONFIGURED) -- $(TARGETS)
	snakemake --report results/report.zip $(CONFIGURED) -- $(TARGETS)
	set -o pipefail; snakemake --quiet all --dag dot $(CONFIGURED) -- $(TARGETS) | affectflow draw-graph results/dag.svg
	set -o pipefail; snakemake --quiet all --rulegraph dot $(CONFIGURED) -- $(TARGETS) | affectflow draw-graph results/rulegraph.svg
	@echo "results/report.zip, results/dag.svg, results/rulegraph.svg"

# Needs nginx and its echo module (Debian: nginx-light libnginx-mod-http-echo) and curl; about ten minutes.
bench-download: environment .venv-bench/.installed
	$(BIN)/python -m benchmarks.download
	$(BIN)/python -m benchmarks.long_list

# Needs nginx too; about two minutes.
bench-records: environment .venv-bench/.installed
	$(BIN)/python -m benchmarks.records

# Half an hour on two cores; goes on where it was stopped. Without an internet connection that reaches the face detector,
# CONFIG may be a file that has faces: {model: {path: FILE}}.
starter-model: environment
	snakemake --cores $(CORES) --configfile config/starter.yaml $(CONFIG) -- results/models/starter/model.onnx
	$(BIN)/python -m benchmarks.starter results/models/starter results/demo/people results/models/starter/face_detector.onnx

bench-rendering: environment
	snakemake --cores 1 --quiet all results/heads/head.npz
	$(BIN)/python -m benchmarks.rendering results/heads/head.npz

# About an hour.
bench-transfer: environment
	$(BIN)/python -m benchmarks.transfer results/transfer $(LONDON) $(DETECTOR)

bench-faces: environment
	$(BIN)/python -m benchmarks.faces $(DETECTOR)

bench-train: environment
	$(BIN)/python -m benchmarks.training

# PYTHON is that of an environment with Keras and JAX's CUDA build, which this project's have not.
bench-gpu:
	PYTHONPATH=src $(PYTHON) -m benchmarks.gpu

bench-planning: test-environment
	$(BIN)/python -m benchmarks.planning

bench-predict: environment
	$(BIN)/python -m benchmarks.predicting

# About ten minutes.
bench-coverage: test-environment
	$(BIN)/python -m benchmarks.coverage

bench-near-duplicates: environment
	$(BIN)/python -m benchmarks.near_duplicates --images 10000 100000 1000000

bench-scores: test-environment
	$(BIN)/python -m benchmarks.scores

.venv-bench/.installed: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

# The variable silences an announcement of the theme's at each build.
docs: test-environment
	NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict --site-dir site

check: test-environment
	ruff check .
	ruff format --check .
	lint-imports
	snakefmt --check Snakefile rules
	mypy
	snakemake --lint

environment: $(VENV)/.$(BUILD)
test-environment: $(VENV)/.test

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "affectflow needs Python 3.11 to 3.13; set PYTHON")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.cpu $(VENV)/.gpu $(VENV)/.test: $(VENV)/.%: requirements/%.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) --require-hashes -r $<
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

UV := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet $(UPGRADE)
lock:
	$(UV) --extra cpu --extra slurm --extra demo -o requirements/cpu.txt
	$(UV) --extra gpu --extra slurm --extra demo -c requirements/cpu.txt -o requirements/gpu.txt
	$(UV) --extra cpu --extra slurm --extra demo --extra docs --extra test -c requirements/cpu.txt -o requirements/test.txt
	$(PYTHON) requirements/envs.py

clean:
	rm -rf results .snakemake site # traces of yours do not belong below results
