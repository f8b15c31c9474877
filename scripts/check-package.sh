#!/usr/bin/env bash
# Packs dist/ as it is and checks the package as its users will get it. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
npm pack --silent --ignore-scripts --pack-destination "$directory" >/dev/null
tarball=$(echo "$directory"/*.tgz)

foreign=$(tar -tf "$tarball" | grep -vE '^package/(dist/.+\.(js|d\.ts)|schematics/(collection|schema)\.json|package\.json|README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE)$' || true)
if [[ -n $foreign ]]; then
  printf 'These files do not belong into the package:\n%s\n' "$foreign" >&2
  exit 1
fi
tar -xf "$tarball" -C "$directory"
node scripts/package-size.js "$tarball" "$directory/package"
node scripts/package-bundle.js "$directory/package"
npx --no-install publint run --strict "$tarball"
npx --no-install attw "$tarball" --profile esm-only --format ascii --quiet
