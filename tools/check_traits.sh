#!/usr/bin/env bash
# Proves that what a trait brings can be left out: builds wscore without the default traits from a copy of the sources
# (a Package.resolved of the full build would have SwiftPM fetch everything), and looks that nothing of theirs was
# fetched. Cheap the second time.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=.build-core/package
mkdir -p "$copy"
for part in Package.swift Sources Tests; do
  rm -rf "${copy:?}/$part"
  cp -a "$part" "$copy/$part"
done
swift build --package-path "$copy" --disable-default-traits --product wscore "$@"

for name in jwt-kit swift-crypto swift-certificates async-http-client swift-nio-ssl; do
  if grep -q "\"identity\" : \"$name\"" "$copy/Package.resolved" || [ -e "$copy/.build/checkouts/$name" ]; then
    echo "check_traits: $name was fetched for a build without traits" >&2
    exit 1
  fi
done
# What is left out says so, to people, instead of doing something else.
program="$(swift build --package-path "$copy" --disable-default-traits --show-bin-path "$@")/wscore"
expect() {
  local status=$1 words=$2 said code=0
  shift 2
  said=$("$program" "$@" 2>&1 </dev/null) || code=$?
  if [ "$code" -ne "$status" ] || [[ $said != *"$words"* ]]; then
    echo "check_traits: wscore $*: exit status $code, expected $status and \"$words\": $said" >&2
    exit 1
  fi
}
expect 64 "built without it" client wss://localhost:1/ws -c 'send echo 1'
expect 64 "built without it" load wss://localhost:1/ws
expect 78 "built without TLS" serve --listen 127.0.0.1:0 --admin-socket none --tls-cert x --tls-key x
echo "traits: wscore builds without them, says so, and nothing of theirs is fetched"
