#!/bin/sh
# Installs what a build or a test run needs and is not there yet.
#   tools/setup.sh build    Debian packages for the build
#   tools/setup.sh test     those, the tools of the tests, and a Python environment in .venv
#   tools/setup.sh bench    those of the build, and the peers that the benchmarks compare with
set -eu
cd "$(dirname "$0")/.."

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# need_packages PACKAGE...: installs those that dpkg does not know as installed.
need_packages() {
  missing=""
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  echo "setup: installing$missing" >&2
  as_root apt-get update -qq
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

need_swift() {
  command -v swift >/dev/null && return 0
  echo "setup: swift is not on the PATH: install Swift 6.2 or later from https://www.swift.org/install/linux/" >&2
  exit 69
}

need_python_environment() {
  [ -x .venv/bin/python ] && cmp -s tools/requirements.txt .venv/requirements.txt && return 0
  echo "setup: making .venv" >&2
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r tools/requirements.txt
  cp tools/requirements.txt .venv/requirements.txt
}

need_swift
case "${1:-}" in
  build) need_packages libreadline-dev zlib1g-dev ;;
  test)
    need_packages libreadline-dev zlib1g-dev python3-venv mandoc zsh fish gcc libc6-dev spin openssl curl
    need_python_environment
    ;;
  bench)
    need_packages libreadline-dev zlib1g-dev gcc g++ libc6-dev util-linux valgrind golang-go golang-github-gorilla-websocket-dev \
      nodejs node-ws
    ;;
  *)
    echo "usage: tools/setup.sh build|test|bench" >&2
    exit 64
    ;;
esac
