# wscore: `make serve` and `make test` are all the set-up there is. `make help` lists the rest.
SHELL := /bin/bash
SWIFT_BUILD := swift build -c release --build-tests
PYTEST := .venv/bin/python -m pytest -q

.PHONY: help serve build test check check-model unit process io examples traits docs sim conformance bench-slow-reader clean setup-build setup-test
help:
	@echo "make serve    install what it needs, build, and run the server on ws://127.0.0.1:8080/ws"
	@echo "make build    build everything for release, tests included"
	@echo "make test     build, check, and run every test"
	@echo "make check    the structure of the code: import arrows, file sizes; manual pages and completions"
	@echo "make check-model  the model of a session, searched with spin, and each planted fault; THOROUGH=1: larger"
	@echo "make unit     the tests of the code; make process: those of the programs"
	@echo "make io       what speaks to the server, again over each way to move bytes (serve --io)"
	@echo "make examples build the programs of Examples/; make traits: that what traits bring can be left out"
	@echo "make sim      the simulator alone: SEEDS=n seeds (10000), or the one of SEED=n"
	@echo "make conformance  the Autobahn testsuite against server and client; writes docs/CONFORMANCE.md"
	@echo "make bench-slow-reader  what one stopped member costs the 999 others of its room: the ratio of p99"
	@echo "make docs     write the manual pages and completions anew"
	@echo "make clean    remove what was built"

setup-build:
	@tools/setup.sh build

setup-test:
	@tools/setup.sh test

serve: setup-build
	swift build -c release --product wscore
	.build/release/wscore serve $(ARGS)

build: setup-test
	$(SWIFT_BUILD)

check: build
	python3 tools/check_structure.py
	python3 tools/generate_docs.py --check
	mandoc -Tlint -Wwarning man/*.1

check-model: setup-test
	python3 tools/check_model.py $(if $(THOROUGH),--thorough)

unit: build
	swift test -c release --skip-build

process: build examples
	$(PYTEST) Tests/process

# The suites that know nothing of how bytes are moved, over the ways that `process` does not take by itself.
IO_SUITES := test_vectors.py test_attack_frames.py test_attack_http.py test_attack_protocol.py \
	test_attack_resources.py test_raw_echo.py test_sse.py test_limits.py test_proxies.py test_unix.py
io: build
	for io in epoll nio; do \
	  echo "over $$io:"; WSCORE_IO=$$io $(PYTEST) $(addprefix Tests/process/,$(IO_SUITES)) || exit 1; \
	done

examples: setup-build
	swift build -c release --package-path Examples --scratch-path .build-examples

traits: setup-build
	tools/check_traits.sh

test: check check-model traits unit process io

SEEDS ?= 10000
sim: build
	$(if $(SEED),SIM_SEED=$(SEED),SIM_SEEDS=$(SEEDS)) swift test -c release --skip-build --filter SimulationTests

conformance: setup-build
	swift build -c release --product wscore
	tools/conformance/setup.sh
	python3 tools/conformance/run.py --reports reports/conformance

bench-slow-reader: setup-test
	swift build -c release --product wscore
	.venv/bin/python tools/bench_slow_reader.py

docs: build
	python3 tools/generate_docs.py

clean:
	rm -rf .build .build-core .build-examples .venv
