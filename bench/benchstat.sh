#!/usr/bin/env bash
# make benchstat BASE=COMMIT: runs the Go benchmarks of a commit and of the files as they
# are now, in turns, and prints benchstat's comparison.
#
#   BASE   the commit to compare with
#   COUNT  how often each is run (6; fewer than 4 say nothing)
#   TIME   how long each benchmark runs each time (0.3s)
#   BENCH  a regular expression of benchmarks (.)
#   PKG    folders, with or without /... (those of the realtime core)
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
BASE=${BASE:-}
COUNT=${COUNT:-6}
TIME=${TIME:-0.3s}
BENCH=${BENCH:-.}
PKG=${PKG:-./server/engineio/... ./server/socketio/... ./adapters/memory ./handlers/relay}

if [ -z "$BASE" ]; then
  echo "usage: make benchstat BASE=COMMIT [BENCH=regexp] [PKG=folders] [COUNT=6] [TIME=0.3s]" >&2
  exit 64
fi
commit=$(git rev-parse --verify --quiet "$BASE^{commit}") || { echo "benchstat: no commit $BASE" >&2; exit 64; }
[ -x "$BENCHSTAT" ] || { echo "benchstat: BENCHSTAT does not name the tool: run make benchstat" >&2; exit 64; }

here=$PWD
work=$(mktemp -d)
clear_up() {
  git -C "$here" worktree remove --force "$work/base" 2>/dev/null || true
  rm -rf "$work"
  git -C "$here" worktree prune
}
trap clear_up EXIT
trap 'exit 130' INT TERM
git worktree add --quiet --detach "$work/base" "$commit"

# build NAME FOLDER: the test program of each package that has benchmarks, so that nothing
# is compiled between two runs. A folder that is not there yet is left out.
build() {
  local name=$1 pattern found=()
  cd "$2"
  for pattern in $PKG; do
    [ -d "${pattern%/...}" ] && found+=("$pattern")
  done
  : >"$work/$name.list"
  [ ${#found[@]} -gt 0 ] || return 0
  "$GO" list -f '{{.Dir}}' "${found[@]}" | while read -r dir; do
    grep -qs '^func Benchmark' "$dir"/*_test.go || continue
    local program=$work/$name-${dir//\//_}
    "$GO" test -c -o "$program" "$dir"
    printf '%s %s\n' "$program" "$dir" >>"$work/$name.list"
  done
}

# turn NAME: one run of everything of one side.
turn() {
  local program dir
  while read -r program dir; do
    cd "$dir"
    "$program" -test.run '^$' -test.bench "$BENCH" -test.benchtime "$TIME" -test.benchmem -test.timeout 30m >>"$work/$1.txt" </dev/null ||
      { echo "benchstat: the benchmarks of $dir failed" >&2; tail -n 20 "$work/$1.txt" >&2; exit 1; }
  done <"$work/$1.list"
}

echo "compiling the benchmarks of $BASE and of the files as they are" >&2
(build base "$work/base")
(build now "$here")
touch "$work/base.txt" "$work/now.txt"
for ((i = 1; i <= COUNT; i++)); do
  echo "run $i of $COUNT" >&2
  # Who begins changes, so that neither always has the warmer machine.
  if ((i % 2)); then order="base now"; else order="now base"; fi
  for name in $order; do (turn "$name"); done
done
"$BENCHSTAT" "$(git rev-parse --short "$commit")=$work/base.txt" "now=$work/now.txt"
