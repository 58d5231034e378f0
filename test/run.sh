#!/usr/bin/env bash
# make test: correctness only. Runs all suites even after a failure, says at the
# end what failed and what was left out, and fails if anything failed.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
NPM=${NPM:-npm}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LEFT_OUT=$work/left-out
touch "$LEFT_OUT"
export SOCKEYE_BIN=${SOCKEYE_BIN:-$PWD/bin/sockeye}

failed=()
section() { printf '\n----- %s -----\n' "$*"; }
took() { printf '%s: %s after %d s\n' "$1" "$2" $((SECONDS - $3)); }

# suite NAME COMMAND...
suite() {
  local name=$1 start=$SECONDS
  shift
  section "$name"
  if "$@"; then
    took "$name" passed "$start"
  else
    took "$name" FAILED "$start"
    failed+=("$name")
  fi
}

go_tests() {
  # SQLite and its C library are machine-made from C: not watched, they take minutes less.
  local race=(-race '-gcflags=modernc.org/sqlite/lib=-race=false' '-gcflags=modernc.org/libc/...=-race=false')
  if ! grep -q 'race detector' "$LEFT_OUT"; then :; else race=(); fi
  # Most of the time is waited for, so more packages and tests run at once than there are
  # cores. The longest packages begin first. Vet is part of make lint.
  # shellcheck disable=SC2086 # TESTARGS is a list
  "$GO" test "${race[@]}" -vet=off \
    -p 4 -parallel 6 -shuffle=on -timeout 8m -json ${TESTARGS:-} ./server ./adapters/redisstreams ./cmd/sockeye ./... 2>&1 |
    "$GO" run ./test/summary -allow test/allowed-skips.txt
}

# deploy_tests: a module of its own, for its libraries; then the real tools.
deploy_tests() {
  "$GO" -C test/deploy test -shuffle=on -timeout 8m -json ./... 2>&1 |
    "$GO" run ./test/summary -allow test/allowed-skips.txt && ./test/deploy/tools.sh
}

# node_tests FOLDER: npm ci where the lockfile asks for it, then npm test.
node_tests() {
  (
    cd "$1"
    if ! cmp -s package-lock.json node_modules/.installed 2>/dev/null; then
      "$NPM" ci --no-audit --no-fund --loglevel=error
      cp package-lock.json node_modules/.installed
    fi
    "$NPM" test --silent
  )
}

# left_out FOLDER: whether setup found something missing that the folder needs.
left_out() {
  case $1 in
    test/backends) grep -q '^what speaks Python' "$LEFT_OUT" ;;
    test/ways) grep -q '^what speaks Python\|^everything with proxies' "$LEFT_OUT" ;;
    test/browser) grep -q '^test/browser' "$LEFT_OUT" ;;
    test/cluster | test/auth) grep -q '^everything with several nodes' "$LEFT_OUT" ;;
    test/balancers | test/chaos | test/drain) grep -q '^everything with' "$LEFT_OUT" ;;
    test/comments) grep -q '^everything with several nodes\|^comments in PostgreSQL' "$LEFT_OUT" ;;
    test/proxies) grep -q '^everything with proxies' "$LEFT_OUT" ;;
    *) false ;;
  esac
}

# runnable FOLDER: whether a Node suite is there and this machine can run it.
runnable() {
  if [ ! -f "$1/package.json" ] || left_out "$1"; then
    return 1
  elif ! command -v "$NPM" >/dev/null; then
    echo "$1 (npm is missing)" >>"$LEFT_OUT"
    return 1
  fi
}

# node_suites FOLDER...: one, or several side by side that mostly wait; what these print
# comes when they are done.
node_suites() {
  local folder names=() jobs=() i start=$SECONDS
  for folder; do
    if runnable "$folder"; then names+=("$folder"); fi
  done
  if [ ${#names[@]} -le 1 ]; then
    for folder in "${names[@]}"; do suite "$folder" node_tests "$folder"; done
    return
  fi
  for folder in "${names[@]}"; do
    (node_tests "$folder" && took "$folder" passed "$start") >"$work/${folder//\//-}" 2>&1 &
    jobs+=($!)
  done
  for i in "${!names[@]}"; do
    folder=${names[i]}
    if ! wait "${jobs[i]}"; then
      took "$folder" FAILED "$start" >>"$work/${folder//\//-}"
      failed+=("$folder")
    fi
    section "$folder"
    cat "$work/${folder//\//-}"
  done
}

section "what the tests need"
./test/setup.sh
echo "done"

suite "Go tests" go_tests
suite "test/deploy" deploy_tests
for folders in test/clients "test/auth test/backends test/api test/cluster" \
  "test/proxies test/balancers test/drain test/ways test/widget" test/floods "test/comments test/chaos" test/browser; do
  # shellcheck disable=SC2086 # a list
  node_suites $folders
done

section "summary"
if [ -s "$LEFT_OUT" ]; then
  echo "LEFT OUT on this machine:"
  sed 's/^/  - /' "$LEFT_OUT"
fi
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "ok: all tests that were run passed, in $SECONDS s"
