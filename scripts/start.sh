#!/usr/bin/env bash
# npm start: the sample app, also on a fresh clone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

require_node
install_dependencies
build_if_needed
say 'Starting the sample app'
exec node sample-app/dist/main.js
