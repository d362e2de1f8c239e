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
echo "traits: wscore builds without them, and nothing of theirs is fetched"
