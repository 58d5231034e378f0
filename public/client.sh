#!/usr/bin/env bash
# Copies the builds of the npm packages socket.io-client and uplot to public/client/, and
# bundles the comment widget of public/comments/ there with esbuild, to be embedded into
# the binary. Without npm it says so and changes nothing.
set -euo pipefail
cd "$(dirname "$0")"

NPM=${NPM:-npm}

want() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" package.json; }
have() { sed -n 's/^  "version": *"\([^"]*\)".*/\1/p' "node_modules/$1/package.json" 2>/dev/null || true; }

complete() {
  local name
  for name in socket.io-client uplot esbuild; do
    [ "$(have "$name")" = "$(want "$name")" ] || return
  done
}

if ! complete; then
  if ! command -v "$NPM" >/dev/null; then
    cat >&2 <<'TEXT'
************************************************************************
  npm is not installed: building WITHOUT the browser client.
  The server works; its own pages will not connect, and
  <path>/socket.io.js and /comments.js answer 404 with a note.
  Install Node.js and npm, then build again.
************************************************************************
TEXT
    exit 0
  fi
  "$NPM" ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi

take() { cmp -s "node_modules/$1" "client/${1##*/}" || cp "node_modules/$1" "client/${1##*/}"; }

for file in socket.io.js socket.io.min.js socket.io.esm.min.js socket.io.msgpack.min.js; do
  take "socket.io-client/dist/$file"
  take "socket.io-client/dist/$file.map"
done
for file in uPlot.esm.js uPlot.min.css; do
  take "uplot/dist/$file"
done

if command -v node >/dev/null; then
  node comments/build.mjs
else
  echo "node is not installed: the comment widget stays as it was built before" >&2
fi
