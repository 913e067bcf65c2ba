#!/usr/bin/env bash
# A container engine for the tests: brings one up, or says in one line why there is none (exit 1).
#   engine.sh up         an engine on the usual socket: the one that answers already, or Debian's docker.io started by hand (root)
#   engine.sh postgres   also an image with PostgreSQL made of Debian packages, without an image registry; prints its name
#   engine.sh down       ends the engine that "up" started, and no other
set -euo pipefail
run=${ENGINE_RUN:-/run/zonekeeper-test-engine}
log=$run/dockerd.log
here=$(cd "$(dirname "$0")" && pwd)
# Another recipe is another image: one that an earlier version left is not taken for it.
root=
trap '[ -z "$root" ] || rm -rf "$root"' EXIT
image=zonekeeper-test/postgres:15-$(cat "$here/engine.sh" "$here/postgres-entrypoint.sh" | sha256sum | cut -c1-12)

no() { echo "engine: none: $*" >&2; exit 1; }
answers() { command -v docker > /dev/null && timeout 10 docker version > /dev/null 2>&1; }
install() {
  command -v "$2" > /dev/null && return
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1"; } \
    > "$run/apt.log" 2>&1 < /dev/null || no "apt-get install $1: $(tail -1 "$run/apt.log")"
}
# One at a time: another "up" may be at it.
alone() {
  [ "$(id -u)" = 0 ] || no "$1, and this user ($(id -un)) cannot change that"
  mkdir -p "$run"
  exec 9> "$run/lock"
  flock -w 300 9 || no "somebody else holds $run/lock"
}

up() {
  answers && return
  alone "no engine answers"
  install docker.io dockerd
  # Another "up" has brought it, or the package has, where services start by themselves.
  answers && return
  rm -f "$run/pid"
  setsid dockerd --pidfile "$run/pid" --log-level warn > "$log" 2>&1 < /dev/null 9>&- &
  local pid=$!
  for _ in $(seq 300); do
    answers && return
    kill -0 "$pid" 2> /dev/null ||
      no "dockerd ended: $(grep -E 'failed to start|level=(fatal|error)' "$log" | tail -1 | cut -c1-300)"
    sleep 0.1
  done
  kill "$pid"
  no "dockerd does not answer after 30 s: $(tail -1 "$log" | cut -c1-300)"
}

known() { docker image inspect "$image" > /dev/null 2>&1; }

postgres() {
  known && return
  alone "there is no image $image"
  known && return
  install debootstrap debootstrap
  local tmp=${TMPDIR:-/tmp}
  # dpkg waits for the disk a lot: in memory it takes half the time.
  [ "$(df -m --output=avail /dev/shm 2> /dev/null | tail -1)" -gt 1500 ] 2> /dev/null && tmp=/dev/shm
  root=$(mktemp -d -p "$tmp")
  debootstrap --variant=minbase --include=postgresql-15 bookworm "$root" > "$run/debootstrap.log" 2>&1 < /dev/null ||
    no "debootstrap: $(tail -1 "$run/debootstrap.log")"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/lib/postgresql/15
  cp "$here/postgres-entrypoint.sh" "$root/entrypoint.sh"
  chmod 755 "$root/entrypoint.sh"
  tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["/entrypoint.sh"]' --change 'EXPOSE 5432' - "$image" > /dev/null
}

down() {
  [ -f "$run/pid" ] || return 0
  local pid
  pid=$(cat "$run/pid")
  # The number may be another process's by now.
  [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = dockerd ] || return 0
  kill "$pid" 2> /dev/null || return 0
  timeout 60 tail --pid="$pid" -f /dev/null || kill -9 "$pid"
}

case ${1:-} in
  up) up ;;
  postgres) up; postgres; echo "$image" ;;
  down) down ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
