#!/usr/bin/env bash
# The test suite under a sanitizer: `thread` for data races, `address` for memory errors and leaks. Each has a build
# directory of its own. Exit code 0 if all tests pass and the sanitizer reports nothing. docs/FUZZING.md has what it found.
#   tools/sanitize.sh thread|address [ARGUMENTS OF swift test...]
# TRAITS=none leaves out what the package's traits bring, which is most of what there is to compile.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  thread)
    scratch=.build-tsan
    export TSAN_OPTIONS="halt_on_error=0 exitcode=66 suppressions=$PWD/tools/tsan.supp ${TSAN_OPTIONS:-}"
    ;;
  address)
    scratch=.build-asan
    export ASAN_OPTIONS="detect_leaks=1 ${ASAN_OPTIONS:-}"
    export LSAN_OPTIONS="suppressions=$PWD/tools/lsan.supp print_suppressions=0 ${LSAN_OPTIONS:-}"
    ;;
  *)
    echo "usage: tools/sanitize.sh thread|address [arguments of swift test]" >&2
    exit 64
    ;;
esac
sanitizer=$1
shift

# A run of the simulator takes ten times as long here; what races in it is found in few.
export SIM_SEEDS="${SIM_SEEDS:-50}" SWIFT_BACKTRACE=enable=no
options=(--sanitize "$sanitizer" --scratch-path "$scratch")
if [ "${TRAITS:-}" = none ]; then options+=(--disable-default-traits); fi
swift build --build-tests "${options[@]}"
swift test --skip-build "${options[@]}" "$@"
echo "sanitize: $sanitizer reports nothing"
