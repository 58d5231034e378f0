#!/usr/bin/env bash
# make fuzz: every fuzz target of the tree, one after the other, FUZZTIME each.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
FUZZTIME=${FUZZTIME:-20s}

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
  "$GO" test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" "$(dirname "$file")" || failed+=("$name")
  count=$((count + 1))
done <<<"$targets"

printf '\n'
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "ok: $count fuzz targets, $FUZZTIME each"
