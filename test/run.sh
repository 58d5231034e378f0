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
  local race=(-race)
  if ! grep -q 'race detector' "$LEFT_OUT"; then :; else race=(); fi
  # shellcheck disable=SC2086 # TESTARGS is a list
  "$GO" test "${race[@]}" -shuffle=on -timeout 8m -json ${TESTARGS:-} ./... 2>&1 |
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
    test/browser) grep -q '^test/browser' "$LEFT_OUT" ;;
    test/cluster | test/auth) grep -q '^everything with several nodes' "$LEFT_OUT" ;;
    test/balancers | test/chaos | test/drain) grep -q '^everything with' "$LEFT_OUT" ;;
    test/proxies) grep -q '^everything with proxies' "$LEFT_OUT" ;;
    *) false ;;
  esac
}

section "what the tests need"
./test/setup.sh
echo "done"

suite "Go tests" go_tests
suite "test/deploy" deploy_tests
for folder in test/clients test/auth test/cluster test/balancers test/floods test/proxies test/drain test/chaos test/browser; do
  if [ ! -f "$folder/package.json" ]; then
    continue
  elif ! command -v "$NPM" >/dev/null; then
    echo "$folder (npm is missing)" >>"$LEFT_OUT"
  elif left_out "$folder"; then
    continue
  else
    suite "$folder" node_tests "$folder"
  fi
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
