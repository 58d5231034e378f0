#!/bin/sh
# Tells everybody in a room something.
#
#   SOCKEYE_URL=http://127.0.0.1:3000 SOCKEYE_KEY=sk_… sh emit.sh order:17 shipped
set -eu

curl --fail-with-body --silent --show-error "$SOCKEYE_URL/api/v1/emit" \
  -H "Authorization: Bearer $SOCKEYE_KEY" \
  -H 'Content-Type: application/json' \
  -d "{\"rooms\": [\"$1\"], \"event\": \"status\", \"args\": [\"$2\"]}"
