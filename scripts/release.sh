#!/usr/bin/env bash
# npm run release: checks that what is checked out can be released, tests it, and publishes it with provenance: a statement,
# signed by GitHub, of the commit and the workflow that the package was made from. So only GitHub Actions can publish
# (.github/workflows/release.yml). Anywhere else, and with --dry-run, it says what it would do; --dry-run leaves the tests out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n» %s\n' "$*"; }

problems=()
problem() { problems+=("$*"); }

dry_run=false
for argument in "$@"; do
  [[ $argument == --dry-run ]] || { printf 'Unknown argument: %s\n' "$argument" >&2 && exit 2; }
  dry_run=true
done

version=$(node -p 'require("./package.json").version')
in_actions=false
[[ ${GITHUB_ACTIONS:-} == true && -n ${ACTIONS_ID_TOKEN_REQUEST_URL:-} ]] && in_actions=true

check_tree() {
  [[ -z $(git status --porcelain) ]] || problem 'The working tree is not clean: commit what belongs to the release.'
  # A workflow checks out the tag, which is on no branch.
  if $in_actions; then
    git merge-base --is-ancestor HEAD origin/main || problem 'The tag is not on main.'
    [[ ${GITHUB_REF_NAME:-} == "v$version" ]] || problem "The tag is ${GITHUB_REF_NAME:-missing}, and package.json says $version."
  else
    [[ $(git branch --show-current) == main ]] || problem 'This is not the branch main.'
  fi
}

# The newest release of the changelog is this one, and nothing has been added above it since.
check_changelog() {
  local heading
  heading=$(grep -m 1 -E '^## \[[0-9]' CHANGELOG.md | sed -E 's/^## \[([^]]+)\].*/\1/' || true)
  [[ $heading == "$version" ]] || problem "The newest release in CHANGELOG.md is ${heading:-missing}, and package.json says $version."
  if sed -n '/^## \[Unreleased\]/,/^## \[[0-9]/p' CHANGELOG.md | grep -qE '^- '; then
    problem "CHANGELOG.md has changes under [Unreleased]: move them under [$version], or choose the next version."
  fi
}

check_package() {
  [[ $(node -p 'typeof require("./package.json").repository') != undefined ]] ||
    problem 'package.json has no "repository": npm compares it with the provenance, and refuses the package without it.'
  [[ $(node -p 'require("./package.json").private ?? false') == false ]] || problem 'package.json says that it is private.'
}

check_tree
check_changelog
check_package
if [[ ${#problems[@]} -gt 0 ]]; then
  printf '✕ %s\n' "${problems[@]}" >&2
  $dry_run || exit 1
fi

if $dry_run; then
  say 'It would run: npm test'
else
  say 'Testing (npm test)'
  npm test
fi

if $in_actions && ! $dry_run; then
  say "Publishing nest-oidc $version"
  npm publish --provenance --access public
else
  say 'It would publish: npm publish --provenance --access public'
  npm pack --dry-run --ignore-scripts 2>&1 | grep -E 'name:|version:|filename:|size:|files:' || true
  $in_actions || say "Push the tag v$version: the workflow release.yml publishes it."
fi
[[ ${#problems[@]} -eq 0 ]]
