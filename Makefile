# wscore: `make serve` and `make test` are all the set-up there is. `make help` lists the rest.
SHELL := /bin/bash
SWIFT_BUILD := swift build -c release --build-tests
PYTEST := .venv/bin/python -m pytest -q

.PHONY: help serve build test check check-model unit process io examples traits docs sim sim-ci conformance fuzz fuzz-ci fuzz-corpus \
  sanitize soak bench bench-quick bench-micro bench-slow-reader clean setup-build setup-test setup-bench
help:
	@echo "make serve    install what it needs, build, and run the server on ws://127.0.0.1:8080/ws"
	@echo "make build    build everything for release, tests included"
	@echo "make test     build, check, and run every test"
	@echo "make check    the structure of the code: import arrows, file sizes; manual pages and completions"
	@echo "make check-model  the model of a session, searched with spin, and each planted fault; THOROUGH=1: larger"
	@echo "make unit     the tests of the code; make process: those of the programs"
	@echo "make io       what speaks to the server, again over each way to move bytes (serve --io)"
	@echo "make examples build the programs of Examples/; make traits: that what traits bring can be left out"
	@echo "make sim      the simulator: SEEDS=n seeds (1000) and every planted fault; SEED=s STEPS=k ONLY=... to replay"
	@echo "make conformance  the Autobahn testsuite against server and client; writes docs/CONFORMANCE.md"
	@echo "make fuzz     the fuzzers, with the address sanitizer: MINUTES=n together (10), TARGET=x one alone"
	@echo "make fuzz-ci  their kept inputs and a short run; make fuzz-corpus: keep what they found, minimised"
	@echo "make sanitize the tests under the thread, address and leak sanitizers: takes long; SANITIZER=thread one alone"
	@echo "make soak     MINUTES=n (30) of sessions with every fault; memory, descriptors and timers as before"
	@echo "make bench    what it costs beside its peers; writes Benchmarks/RESULTS.md; AB=wscore: beside another build"
	@echo "make bench-quick  the most telling of it, in a minute; make bench-micro: the parts, held to thresholds"
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

test: check check-model sim-ci traits unit fuzz-ci process io

# Checks of access that cannot overlap are left out of the simulator: it measures the core, and the core has none there.
SIMULATE := .build-sim/release/simulate
.PHONY: build-sim
build-sim: setup-build
	swift build -c release --static-swift-stdlib --package-path Simulation --scratch-path .build-sim -Xswiftc -enforce-exclusivity=unchecked

SEEDS ?= 1000
sim: build-sim
	$(SIMULATE) $(if $(SEED),--seed $(SEED) $(if $(STEPS),--steps $(STEPS)) $(if $(ONLY),--only $(ONLY)) $(if $(PLANTED),--planted $(PLANTED)),--seeds $(SEEDS) --table)

# One seed is one run, in every process; then all seeds, and every planted fault.
sim-ci: build-sim
	cmp <($(SIMULATE) --hashes --seeds 100) <($(SIMULATE) --hashes --seeds 100)
	$(SIMULATE) --seeds $(SEEDS) --table

conformance: setup-build
	swift build -c release --product wscore
	tools/conformance/setup.sh
	python3 tools/conformance/run.py --reports reports/conformance

MINUTES ?=
fuzz: setup-build
	python3 tools/fuzz.py run --address $(if $(MINUTES),--minutes $(MINUTES)) $(if $(TARGET),--target $(TARGET))

fuzz-ci: setup-build
	python3 tools/fuzz.py ci

fuzz-corpus: setup-build
	python3 tools/fuzz.py corpus $(if $(TARGET),--target $(TARGET))

SANITIZER ?= thread address
sanitize: setup-build
	set -e; for sanitizer in $(SANITIZER); do tools/sanitize.sh $$sanitizer; done

soak: setup-test
	swift build -c release --product wscore
	.venv/bin/python tools/soak.py $(if $(MINUTES),--minutes $(MINUTES))

# Options by variable: see Benchmarks/README.md.
BENCH := python3 Benchmarks/runner/bench.py $(if $(AB),--ab "$(AB)") $(if $(SCENARIOS),--scenarios "$(SCENARIOS)") \
	$(if $(ONLY),--only "$(ONLY)") $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH)) \
	$(if $(SERVER_CORE),--server-core $(SERVER_CORE)) $(if $(LOADER_CORE),--loader-core $(LOADER_CORE))

setup-bench:
	@tools/setup.sh bench
	swift build -c release --product wscore

# The whole of it is kept; a part of it, or a comparison of two builds, is only shown.
bench: setup-bench
	$(if $(AB)$(SCENARIOS)$(ONLY),,-$(MAKE) bench-micro)
	$(BENCH) --reps $(or $(REPS),5) \
	  $(if $(AB)$(SCENARIOS)$(ONLY),,--write Benchmarks/RESULTS.md --micro .build-bench/native/micro.md)

bench-quick: setup-bench
	$(BENCH) --group quick --reps $(or $(REPS),1) --seconds 1 --warmup 0.5

bench-micro:
	@tools/setup.sh bench
	swift build -c release --package-path Benchmarks --scratch-path .build-bench
	python3 Benchmarks/runner/micro.py $(if $(MICRO),--only $(MICRO)) $(if $(UPDATE),--update)

bench-slow-reader: setup-test
	swift build -c release --product wscore
	.venv/bin/python tools/bench_slow_reader.py

docs: build
	python3 tools/generate_docs.py

clean:
	rm -rf .build .build-* .venv
