#!/bin/sh
# Debian's PostgreSQL, as far as deploy/compose uses the official image: POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD_FILE,
# and a volume at /var/lib/postgresql whose cluster a second start finds again.
set -eu
bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/data
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
mkdir -p /run/postgresql
chown postgres /run/postgresql
if [ ! -s "$data/PG_VERSION" ]; then
  mkdir -p "$data"
  cat "${POSTGRES_PASSWORD_FILE:?}" > /tmp/password
  chown -R postgres "$data" /tmp/password
  as "$bin/initdb" -D "$data" -U "${POSTGRES_USER:?}" -A scram-sha-256 --pwfile=/tmp/password -E UTF8 --locale=C --no-sync > /dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
  # Whoever waits for it on the network must not find it before its database is there.
  echo 'local all all trust' > /tmp/hba
  chown postgres /tmp/hba
  as "$bin/pg_ctl" -s -w -D "$data" -o "-c listen_addresses='' -c hba_file=/tmp/hba" start > /dev/null
  as "$bin/createdb" -h /run/postgresql -U "$POSTGRES_USER" "${POSTGRES_DB:?}"
  as "$bin/pg_ctl" -s -w -D "$data" -m fast stop > /dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "$data" -c listen_addresses='*' \
  -c unix_socket_directories=/run/postgresql
