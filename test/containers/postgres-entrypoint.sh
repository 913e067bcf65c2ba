#!/bin/sh
# Debian's PostgreSQL for tests: a fresh cluster at each start, reachable from the host with POSTGRES_PASSWORD.
set -eu
bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/data
mkdir -p "$data" /run/postgresql
printf '%s' "${POSTGRES_PASSWORD:?}" > /tmp/password
chown -R postgres "$data" /run/postgresql /tmp/password
setpriv --reuid=postgres --regid=postgres --init-groups "$bin/initdb" -D "$data" -U postgres -A scram-sha-256 --pwfile=/tmp/password -E UTF8 --locale=C --no-sync > /dev/null
echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
exec setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "$data" -c listen_addresses='*' \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200
