#!/usr/bin/env bash
# make bench-profiles: what the CPU time of some kinds of work is made of. Each runs for
# some seconds against bin/sockeye, which is asked for a profile meanwhile.
#
#   SECONDS_EACH   how long each profile is (8)
#   OUT            the page (docs/bench/profiles.md)
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
SECONDS_EACH=${SECONDS_EACH:-8}
OUT=${OUT:-docs/bench/profiles.md}

work=$(mktemp -d)
server=
clear_up() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap clear_up EXIT
"$GO" build -o "$work/loadgen" ./bench/loadgen

# start_server: bin/sockeye as the bench starts it, with profiles.
start_server() {
  bin/sockeye serve --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --pprof --event-rate off --byte-rate off 2>"$work/log" &
  server=$!
  for _ in $(seq 100); do
    if grep -q 'metrics are at' "$work/log"; then break; fi
    sleep 0.1
  done
  url=http://$(sed -n 's/.*msg=listening addr=//p' "$work/log")
  metrics=$(sed -n 's/.*msg="metrics are at" url=//p' "$work/log")
}

# profile TITLE LOADGEN-FLAGS...: prints a section.
profile() {
  local title=$1 load
  shift
  echo "profile: $title" >&2
  start_server
  (
    end=$((SECONDS + SECONDS_EACH + 3))
    while [ $SECONDS -lt $end ]; do "$work/loadgen" -url "$url" "$@" >/dev/null; done
  ) &
  load=$!
  sleep 1.5
  "$GO" tool pprof -proto -output "$work/profile" "${metrics%/metrics}/debug/pprof/profile?seconds=$SECONDS_EACH" >/dev/null 2>&1
  wait "$load"
  kill "$server"
  wait "$server" 2>/dev/null || true
  server=
  printf '\n## %s\n\n`loadgen %s`\n\n' "$title" "$*"
  printf 'By function:\n\n```text\n'
  "$GO" tool pprof -top -nodecount=14 "$work/profile" 2>/dev/null | sed -n '/flat%/,$p'
  printf '```\n\nBy what a function and all that it calls take:\n\n```text\n'
  "$GO" tool pprof -top -cum -nodecount=45 "$work/profile" 2>/dev/null | sed -n '/flat%/,$p'
  printf '```\n'
}

{
  echo "# What the CPU time is made of"
  echo
  echo "Written by \`make bench-profiles\`, with $(bin/sockeye version | head -1), profiles of $SECONDS_EACH s each."
  profile "connect (WebSocket)" -work connect -clients 2000
  profile "room of 500, 1 in flight" -work fanout -clients 500 -window 1 -measure "$((SECONDS_EACH + 2))s"
  profile "echo, 100 clients, 1 in flight" -work echo -clients 100 -window 1 -measure "$((SECONDS_EACH + 2))s"
  profile "polling, room of 300, 1 in flight" -work fanout -transport polling -clients 300 -window 1 -measure "$((SECONDS_EACH + 2))s"
  profile "room of 1000, 20 messages/s" -work fanout -clients 1000 -rate 20 -measure "$((SECONDS_EACH + 2))s"
} >"$work/page"
mv "$work/page" "$OUT"
echo "written to $OUT"
