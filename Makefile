# The two commands of the README are `make demo` and `make test`. Every target sets up what it needs first.
SHELL := /bin/sh
VENV := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo test ui check lint types imports format deps help
.DEFAULT_GOAL := help

help:             ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*##/ {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: setup       ## the whole pipeline on the default corpus, as a Prefect flow; FILES=path takes your own text instead
	$(VENV)/python -m flows $(if $(FILES),--files $(FILES))

ui: setup         ## the Prefect server and the page of the last run
	$(VENV)/python -m flows.server

test: setup       ## every test
	$(VENV)/python -m pytest -n 2 --dist loadfile

check: lint types imports test  ## what CI runs

lint: setup       ## ruff: rules and formatting
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

types: setup      ## mypy --strict
	$(VENV)/mypy

imports: setup    ## the layers of docs/architecture.md
	$(VENV)/lint-imports

format: setup     ## rewrite in the house style
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

deps: setup       ## write each stage's code dependencies into dvc.yaml
	$(VENV)/python -m tests.closure

# Each bench leaves its table as JSON in benchmarks/results, which is in git: what a change did to a figure is in its diff.
.PHONY: bench-corpus
bench-corpus: setup  ## speed of corpus work beside its peers, which it installs apart; CORPUS=FILE.parquet takes (id, text) of yours
	$(VENV)/python benchmarks/corpus.py $(if $(CORPUS),--corpus $(CORPUS)) --json benchmarks/results/corpus.json

.PHONY: bench-decontamination bench-passages
bench-decontamination: setup  ## recall of planted evaluation items: EVALUATION=FOLDER CORPUS=FILE.parquet
	$(VENV)/python benchmarks/decontamination.py $(or $(EVALUATION),data/eval) $(CORPUS) --json benchmarks/results/decontamination.json

bench-passages: setup  ## repeated paragraphs, lines and substrings beside a suffix array: CORPUS=FILE.parquet
	$(VENV)/python benchmarks/passages.py $(CORPUS) --limit-mb 30 --json benchmarks/results/passages.json

.PHONY: bench-web
bench-web: setup  ## main text (PAGES="PATH...") and encodings (ENCODINGS=FILE.tar.gz) beside their peers: see the scripts for the layouts
	$(if $(PAGES),$(VENV)/python benchmarks/html.py $(PAGES) --json benchmarks/results/html.json)
	$(if $(ENCODINGS),$(VENV)/python benchmarks/encodings.py $(ENCODINGS) --json benchmarks/results/encodings.json)

.PHONY: bench-pii
bench-pii: setup     ## personal data beside presidio: FILE=SET.json.gz as of presidio-research, CORPUS=FILE.parquet for speed
	$(VENV)/python benchmarks/pii.py $(FILE) $(if $(CORPUS),--corpus $(CORPUS)) --json benchmarks/results/pii.json

.PHONY: setup
setup: .venv/requirements.lock

.venv/requirements.lock: requirements.lock scripts/setup.sh
	@scripts/setup.sh
