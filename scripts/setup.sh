# Sourced by start.sh and test.sh: brings a fresh clone, where only node and npm are there, to where it can run.
# Says what it does, one line per step, and does nothing that has been done.

say() { printf '\n» %s\n' "$*"; }

fail() {
  printf '\n✕ %s\n' "$*" >&2
  exit 1
}

require_node() {
  command -v node >/dev/null && command -v npm >/dev/null || fail 'Node.js 20.19 or newer is needed, with npm: https://nodejs.org'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node.js 20.19 or newer is needed; this is $(node --version)."
}

# npm writes node_modules/.package-lock.json as the last step of an installation.
install_dependencies() {
  if [[ -e node_modules/.package-lock.json && ! package-lock.json -nt node_modules/.package-lock.json ]]; then return; fi
  say 'Installing dependencies (npm ci)'
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null || fail 'npm ci did not succeed; see above.'
  touch node_modules/.package-lock.json
}

build_if_needed() {
  if is_built dist/index.js lib tsconfig.build.json rollup.config.js && is_built sample-app/dist/main.js sample-app dist/index.js; then return; fi
  say 'Building the library and the sample app (npm run build)'
  npm run --silent build </dev/null || fail 'The build did not succeed; see above.'
}

# Whether the first file is newer than all others, and than what configures the compiler.
is_built() {
  local result=$1
  shift
  [[ -e $result ]] || return 1
  [[ -z $(find "$@" tsconfig.json package-lock.json -path '*/dist/*' ! -path dist/index.js -prune -o -type f -newer "$result" -print -quit) ]]
}
