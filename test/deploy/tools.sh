#!/usr/bin/env bash
# Asks the programs that read the files of the folder deploy whether they are valid, where
# those programs are on this machine, and says which were asked. The tests in Go beside it
# need none of them.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
BIN=${SOCKEYE_BIN:-$PWD/bin/sockeye}

# asked NAME COMMAND...: shows what was said only if it is bad.
asked() {
  local name=$1
  shift
  if ! "$@" >"$work/said" 2>&1; then
    cat "$work/said"
    echo "$name: INVALID"
    return 1
  fi
  echo "$name: valid"
}
absent() { echo "$1: not asked, $2 is not on this machine"; }

if command -v caddy >/dev/null; then
  export XDG_DATA_HOME=$work XDG_CONFIG_HOME=$work # caddy writes its own files there
  for site in localhost app.example.com; do
    SITE=$site asked "deploy/compose/Caddyfile for $site" caddy validate --adapter caddyfile --config deploy/compose/Caddyfile
  done
else
  absent deploy/compose/Caddyfile caddy
fi

if command -v systemd-analyze >/dev/null; then
  # The same unit, with the program where it is here.
  sed "s|/usr/local/bin/sockeye|$BIN|" deploy/systemd/sockeye.service >"$work/sockeye.service"
  asked deploy/systemd/sockeye.service systemd-analyze verify --man=no "$work/sockeye.service"
  if [ -s "$work/said" ]; then
    cat "$work/said"
    exit 1
  fi
  # From 0 (nothing it may do) to 100; anything up to 20 is what systemd calls OK.
  if systemd-analyze security --help | grep -q -- --offline; then
    asked "deploy/systemd/sockeye.service, hardened" systemd-analyze security --offline=yes --threshold=15 "$work/sockeye.service"
  fi
else
  absent deploy/systemd/sockeye.service systemd-analyze
fi

set -a
# shellcheck source=../../deploy/systemd/sockeye.env
. deploy/systemd/sockeye.env
set +a
asked deploy/systemd/sockeye.env "$BIN" config check <(echo '{}')
