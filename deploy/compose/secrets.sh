#!/bin/sh
# Writes the secrets of compose.yaml, once: one that tokens are signed with, a password
# for Redis, and the URL that has it. The files are for whoever has a way to them, such as the users of
# containers that they are mounted into; their folder is for its owner only.
set -eu
cd "$(dirname "$0")"

if [ -e secrets ]; then
  echo "secrets.sh: $PWD/secrets is there already and stays as it is" >&2
  exit 1
fi
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

mkdir -m 700 secrets
random >secrets/auth_secret
password=$(random)
printf '%s' "$password" >secrets/redis_password
printf 'redis://:%s@redis:6379' "$password" >secrets/redis_url
chmod 444 secrets/*
echo "wrote $PWD/secrets"
