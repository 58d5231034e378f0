#!/usr/bin/env bash
# make fuzz: every fuzz target of the tree, one after the other, FUZZTIME each.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
FUZZTIME=${FUZZTIME:-20s}

# fuzz NAME FOLDER. Go sometimes reports the end of its own time as the failure
# "context deadline exceeded"; a real failure writes its input down.
fuzz() {
  local log
  log=$(mktemp)
  if "$GO" test -run '^$' -fuzz "^$1\$" -fuzztime "$FUZZTIME" "$2" 2>&1 | tee "$log"; then
    rm -f "$log"
    return 0
  fi
  local status=1
  if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
    echo "$1: the time was up while an input ran; no failing input was found"
    status=0
  fi
  rm -f "$log"
  return $status
}

targets=$(grep -rEo --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]+' . | sort)
if [ -z "$targets" ]; then
  echo "no fuzz targets"
  exit 1
fi
count=0
failed=()
while IFS=: read -r file func; do
  name=${func#func }
  printf '\n----- %s in %s, %s -----\n' "$name" "$(dirname "$file")" "$FUZZTIME"
  fuzz "$name" "$(dirname "$file")" || failed+=("$name")
  count=$((count + 1))
done <<<"$targets"

printf '\n'
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "ok: $count fuzz targets, $FUZZTIME each"
