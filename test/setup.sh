#!/usr/bin/env bash
# Installs Debian's packages that `make test` needs and does not find. Where apt
# or the right to use it is missing it installs nothing. Each thing that is then
# still missing becomes a line of the file named by LEFT_OUT.
set -euo pipefail

LEFT_OUT=${LEFT_OUT:-/dev/stderr}

has_compiler() { command -v "${CC:-gcc}" >/dev/null || command -v clang >/dev/null; }
has_chromium() { [ -n "${CHROMIUM:-}" ] || [ -x /usr/bin/chromium ]; }
# Debian's own Python, because its packages are not seen by others on the path.
PYTHON=${PYTHON:-/usr/bin/python3}
has_redis()    { command -v redis-server >/dev/null && command -v redis-cli >/dev/null; }
has_postgres() { command -v initdb >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; }
has_proxies()  { has_tool nginx && has_tool haproxy && has_tool caddy && has_tool squid && has_tool openssl; }
has_tool()     { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }
has_python()   { [ -x "$PYTHON" ] && "$PYTHON" -c "import socketio, websocket, websockets, aiohttp, requests, flask, flask_socketio, jwt" 2>/dev/null; }

# what is checked | packages | what does without it
needs() {
  cat <<'TABLE'
compiler|gcc libc6-dev|the race detector (a C compiler is missing)
chromium|chromium|test/browser (Chromium is missing; CHROMIUM may name one)
redis|redis-server|everything with several nodes (redis-server is missing)
postgres|postgresql|comments in PostgreSQL (initdb is missing)
proxies|nginx haproxy caddy squid openssl|everything with proxies (nginx, haproxy, caddy, squid and openssl are needed)
python|python3-socketio python3-websocket python3-websockets python3-aiohttp python3-requests python3-flask python3-flask-socketio python3-jwt|what speaks Python: python-socketio's client in test/clients, plain WebSockets, the Flask examples, Python in the documents
TABLE
}

packages=()
while IFS='|' read -r what list _; do
  "has_$what" || read -ra more <<<"$list"
  "has_$what" || packages+=("${more[@]}")
done < <(needs)

if [ ${#packages[@]} -gt 0 ] && command -v apt-get >/dev/null; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo -n)
  if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
    echo "installing: ${packages[*]}"
    install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}")
    log=$(mktemp)
    "${install[@]}" >"$log" 2>&1 ||
      { "${as_root[@]}" apt-get update -q >>"$log" 2>&1 && "${install[@]}" >>"$log" 2>&1; } ||
      { tail -n 20 "$log"; echo "apt could not install everything"; }
    rm -f "$log"
  fi
fi

while IFS='|' read -r what _ without; do
  "has_$what" || echo "$without" >>"$LEFT_OUT"
done < <(needs)
