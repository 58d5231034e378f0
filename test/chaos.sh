#!/usr/bin/env bash
# make chaos: the long form of test/chaos. What it prints is also the report
# docs/evidence/chaos.txt, which is committed. SEED repeats an earlier run.
set -euo pipefail
cd "$(dirname "$0")/.."

NPM=${NPM:-npm}
export SOCKEYE_BIN=${SOCKEYE_BIN:-$PWD/bin/sockeye}
report=docs/evidence/chaos.txt
mkdir -p docs/evidence

all() {
  echo "make chaos, $(date -u +%Y-%m-%d), version $(git describe --tags --always --dirty 2>/dev/null || echo dev)"
  echo "$("${GO:-go}" version), Node.js $(node --version), $(uname -sm), $(nproc 2>/dev/null || sysctl -n hw.ncpu) cores"
  ./test/setup.sh
  cd test/chaos
  "$NPM" ci --no-audit --no-fund --loglevel=error
  "$NPM" run --silent long
}

# The report names no folder of the machine.
all 2>&1 | sed -u "s|$PWD|.|g; s|$HOME|~|g" | tee "$report"
