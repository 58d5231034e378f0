#!/usr/bin/env bash
# make vuln: govulncheck's list of known vulnerabilities in what the program calls.
# It needs the way to its database, or a copy of that: VULNDB=file:///folder.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

status=0
"$GO" run "golang.org/x/vuln/cmd/govulncheck@$VULN_VERSION" ${VULNDB:+-db "$VULNDB"} ./... 2>&1 | tee "$log" || status=$?
if [ $status != 0 ] && grep -q 'fetching vulnerabilities' "$log"; then
  cat >&2 <<'TEXT'
************************************************************************
  NOTHING WAS CHECKED: the database of govulncheck cannot be reached from
  here. Run make vuln on a machine that can, or name a copy of it:
  VULNDB=file:///folder make vuln
************************************************************************
TEXT
fi
exit $status
