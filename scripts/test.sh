#!/usr/bin/env bash
# npm test: everything that can be checked, also on a fresh clone. Runs all steps, also after one has failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

failed=()

step() {
  local name=$1
  shift
  say "$name ($*)"
  "$@" </dev/null || failed+=("$name")
}

# The tests start servers and a browser of their own, and need the programs.
install_programs() {
  local packages=()
  command -v redis-server >/dev/null || packages+=(redis-server)
  command -v chromium >/dev/null || packages+=(chromium)
  command -v wrk >/dev/null || packages+=(wrk)
  [[ ${#packages[@]} -eq 0 ]] && return
  local as_root=()
  [[ $(id -u) -eq 0 ]] || as_root=(sudo -n)
  if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    fail "The tests need ${packages[*]}. Please install: ${packages[*]} (Debian: apt-get install ${packages[*]})."
  fi
  say "Installing ${packages[*]} (apt-get)"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  "${apt[@]}" update </dev/null
  "${apt[@]}" install -y --no-install-recommends "${packages[@]}" </dev/null >/dev/null ||
    fail "apt-get could not install ${packages[*]}; see above."
}

jest() { npm run --silent jest -- --forceExit "$@"; }

require_node
install_dependencies
install_programs
rm -rf coverage/requirements # results of earlier runs
step 'Build, types, lint, format, architecture, package' npm run --silent check
step 'The documentation site, without a dead link' npm run --silent docs:build
step 'The packed library in applications of its own' npm run --silent test:consumers
step 'The refresh protocol, simulated' jest --selectProjects=nest-12 --testPathPatterns test/simulation
# One after the other: each starts several processes and a browser, and two cores are soon taken.
step 'Real processes, and the sample app in a browser' \
  jest --runInBand --selectProjects=nest-12 --testPathPatterns test/processes test/sample test/browser test/schematics/nest-add
step 'Hostile requests by the hundred thousand' jest --selectProjects=nest-12 --testPathPatterns test/fuzz
step 'Everything else, with coverage of lib/' \
  jest --coverage --testPathIgnorePatterns test/processes test/sample test/browser test/simulation test/fuzz test/schematics/nest-add
step 'A request costs what it may' npm run --silent bench:check
step 'Every security requirement has a test that passed' npm run --silent security:check
step 'Every defence, taken out once, is missed by a test' npm run --silent mutations

if [[ ${#failed[@]} -gt 0 ]]; then
  printf '\n✕ failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
