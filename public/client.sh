#!/usr/bin/env bash
# Copies the builds of the npm package socket.io-client to public/client/, where
# they are embedded into the binary. Without npm it says so and changes nothing.
set -euo pipefail
cd "$(dirname "$0")"

NPM=${NPM:-npm}
source=node_modules/socket.io-client
want=$(sed -n 's/.*"socket.io-client": *"\([^"]*\)".*/\1/p' package.json)

have() { sed -n 's/^  "version": *"\([^"]*\)".*/\1/p' "$source/package.json" 2>/dev/null || true; }

if [ "$(have)" != "$want" ]; then
  if ! command -v "$NPM" >/dev/null; then
    cat >&2 <<'TEXT'
************************************************************************
  npm is not installed: building WITHOUT the browser client.
  The server works; its own pages will not connect, and
  <path>/socket.io.js answers 404 with a note.
  Install Node.js and npm, then build again.
************************************************************************
TEXT
    exit 0
  fi
  "$NPM" ci --ignore-scripts --omit=dev --no-audit --no-fund --loglevel=error
fi

for file in socket.io.js socket.io.min.js socket.io.esm.min.js socket.io.msgpack.min.js; do
  for name in "$file" "$file.map"; do
    cmp -s "$source/dist/$name" "client/$name" || cp "$source/dist/$name" "client/$name"
  done
done
