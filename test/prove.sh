#!/usr/bin/env bash
# make prove: everything timed, large or long. What it prints is also the report
# docs/evidence/prove.txt, which is committed.
#
# Go tests that belong here have the build tag prove; a Node suite has a script
# of that name in its package.json.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
NPM=${NPM:-npm}
export SOCKEYE_BIN=${SOCKEYE_BIN:-$PWD/bin/sockeye}
export PROVE=1
LEFT_OUT=$(mktemp)
export LEFT_OUT
trap 'rm -f "$LEFT_OUT"' EXIT
report=docs/evidence/prove.txt
mkdir -p docs/evidence

failed=()
suite() {
  local name=$1 start=$SECONDS
  shift
  printf '\n----- %s -----\n' "$name"
  if "$@"; then
    printf '%s: passed after %d s\n' "$name" $((SECONDS - start))
  else
    printf '%s: FAILED after %d s\n' "$name" $((SECONDS - start))
    failed+=("$name")
  fi
}

go_proofs() {
  "$GO" test -tags prove -count=1 -p 1 -timeout 60m -json ./... 2>&1 | "$GO" run ./test/summary -tests -allow test/allowed-skips.txt
}

idle_proofs() {
  SOCKEYE_TEST_IDLE=1 "$GO" test -race -count=1 ./server/engineio/... ./server/socketio
}

node_proofs() {
  (cd "$1" && "$NPM" ci --no-audit --no-fund --loglevel=error && "$NPM" run --silent --if-present prove)
}

all() {
  echo "make prove, $(date -u +%Y-%m-%d), version $(git describe --tags --always --dirty 2>/dev/null || echo dev)"
  echo "$("$GO" version), Node.js $(node --version 2>/dev/null || echo absent), $(uname -sm), $(nproc 2>/dev/null || sysctl -n hw.ncpu) cores"
  ./test/setup.sh
  suite "Go proofs" go_proofs
  if [ "$(uname -s)" = Linux ]; then suite "in idle mode" idle_proofs; fi
  suite "garbage collection at full fan-out" "$GO" run ./bench/gcshare
  suite "comments under load" "$GO" run ./bench/ways -strict -row comments,snapshots -out docs/evidence/comments.md
  for folder in test/clients test/floods test/browser; do
    if [ -f "$folder/package.json" ]; then suite "$folder" node_proofs "$folder"; fi
  done
  if ! grep -q '^everything with several nodes\|^comments in PostgreSQL' "$LEFT_OUT"; then
    suite test/comments node_proofs test/comments
  fi
  if ! grep -q '^everything with' "$LEFT_OUT"; then
    for folder in test/balancers test/proxies test/drain; do suite "$folder" node_proofs "$folder"; done
  fi
  printf '\n'
  if [ -s "$LEFT_OUT" ]; then
    echo "LEFT OUT on this machine:"
    sed 's/^/  - /' "$LEFT_OUT"
  fi
  if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    return 1
  fi
  echo "ok: all proofs passed, in $SECONDS s"
}

# The report names no folder of the machine.
all 2>&1 | sed -u "s|$PWD|.|g; s|$HOME|~|g" | tee "$report"
