#!/bin/sh
# Installs the Autobahn testsuite, unchanged, into an environment of its own, unless it is there.
#   AUTOBAHN_HOME   where (default: ~/.cache/wscore/autobahn)
#   PYTHON2         a CPython 2.7, the only one that the suite runs on (default: pyenv's, or one on the PATH)
# Exit codes: 0 it is there; 69 no CPython 2.7, or it cannot be installed.
set -eu
cd "$(dirname "$0")"

home=${AUTOBAHN_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/wscore/autobahn}
wstest=$home/bin/wstest

is_ready() {
  [ -x "$wstest" ] && cmp -s requirements.txt "$home/requirements.txt" && "$wstest" -a >/dev/null 2>&1
}

is_python2() {
  [ -n "$1" ] && [ -x "$1" ] &&
    "$1" -c 'import sys, ssl, zlib; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null
}

find_python2() {
  for candidate in "${PYTHON2:-}" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python \
    "$(command -v python2.7 || true)" "$(command -v python2 || true)"; do
    if is_python2 "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
  echo "conformance: the Autobahn testsuite needs CPython 2.7: set PYTHON2, or run: pyenv install 2.7.18" >&2
  exit 69
}

quietly() {
  "$@" >"$scratch/log" 2>&1 && return 0
  cat "$scratch/log" >&2
  echo "conformance: the Autobahn testsuite cannot be installed" >&2
  exit 69
}

is_ready && exit 0
python=$(find_python2)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONWARNINGS=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
echo "conformance: installing the Autobahn testsuite in $home" >&2
# 20.15.1 is the last virtualenv that makes environments of 2.7.
quietly "$python" -m pip install --quiet --target "$scratch/boot" virtualenv==20.15.1
rm -rf "$home"
PYTHONPATH=$scratch/boot quietly "$python" -m virtualenv --no-download --quiet "$home"
quietly "$home/bin/pip" install --quiet --no-deps -r requirements.txt
quietly "$wstest" -a
cp requirements.txt "$home/requirements.txt"
