#!/bin/sh
# Makes the secrets that can be made up, where they are missing, and says what is left to do. Changes nothing that is there.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
# The container's user has to read them, and nobody else on this machine: the folder is closed.
chmod 700 secrets
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
for name in postgres-password api-token grafana-password; do
  [ -s "secrets/$name" ] || random > "secrets/$name"
done
[ -s secrets/database-url ] ||
  printf 'postgres://zonekeeper:%s@postgres:5432/zonekeeper' "$(cat secrets/postgres-password)" > secrets/database-url
chmod 644 secrets/*
if [ -s secrets/cloudflare-api-token ]; then
  echo "All secrets are there."
else
  echo "Put your Cloudflare API token into $(pwd)/secrets/cloudflare-api-token (for the simulator, any word)."
fi
