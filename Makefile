# wscore: `make serve` and `make test` are all the set-up there is. `make help` lists the rest.
SHELL := /bin/bash
SWIFT_BUILD := swift build -c release --build-tests

.PHONY: help build test check unit clean
help:
	@echo "make build   build everything for release, tests included"
	@echo "make test    build, check, and run every test"
	@echo "make check   the structure of the code: import arrows, file sizes"
	@echo "make clean   remove what was built"

build:
	$(SWIFT_BUILD)

check:
	python3 tools/check_structure.py

unit: build
	swift test -c release --skip-build

test: check unit

clean:
	rm -rf .build
