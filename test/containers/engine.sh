#!/usr/bin/env bash
# A container engine for the tests: brings one up, or says in one line why there is none (exit 1).
#   engine.sh up         an engine on the usual socket: the one that answers already, or Debian's docker.io started by hand (root)
#   engine.sh postgres   also the image zonekeeper-test/postgres:15, made from Debian packages, without an image registry
#   engine.sh down       ends the engine that "up" started, and no other
set -euo pipefail
run=${ENGINE_RUN:-/run/zonekeeper-test-engine}
log=$run/dockerd.log
image=zonekeeper-test/postgres:15
here=$(cd "$(dirname "$0")" && pwd)

no() { echo "engine: none: $*" >&2; exit 1; }
answers() { docker version -f '{{.Server.Version}}' > /dev/null 2>&1; }
install() {
  command -v "$2" > /dev/null && return
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1"; } > "$run/apt.log" 2>&1 ||
    no "apt-get install $1: $(tail -1 "$run/apt.log")"
}

up() {
  command -v docker > /dev/null && answers && return
  [ "$(id -u)" = 0 ] || no "no engine answers, and this user ($(id -un)) cannot start one"
  mkdir -p "$run"
  install docker.io dockerd
  rm -f "$run/pid"
  setsid dockerd --pidfile "$run/pid" --log-level warn > "$log" 2>&1 < /dev/null &
  local pid=$!
  for _ in $(seq 300); do
    answers && return
    kill -0 "$pid" 2> /dev/null || no "dockerd ended: $(grep -E 'failed to start|level=(fatal|error)' "$log" | tail -1 | cut -c1-300)"
    sleep 0.1
  done
  kill "$pid"
  no "dockerd does not answer after 30 s: $(tail -1 "$log" | cut -c1-300)"
}

postgres() {
  mkdir -p "$run"
  docker image inspect "$image" > /dev/null 2>&1 && return
  install debootstrap debootstrap
  local root tmp=/tmp
  # dpkg writes to disk a lot: memory is twice as fast.
  [ "$(df -m --output=avail /dev/shm 2> /dev/null | tail -1)" -gt 1500 ] 2> /dev/null && tmp=/dev/shm
  root=$(mktemp -d -p "$tmp")
  debootstrap --variant=minbase --include=postgresql-15 bookworm "$root" > "$run/debootstrap.log" 2>&1 || {
    rm -rf "$root"
    no "debootstrap: $(tail -1 "$run/debootstrap.log")"
  }
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/lib/postgresql/15
  cp "$here/postgres-entrypoint.sh" "$root/entrypoint.sh"
  chmod 755 "$root/entrypoint.sh"
  tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["/entrypoint.sh"]' --change 'EXPOSE 5432' - "$image" > /dev/null
  rm -rf "$root"
}

down() {
  [ -f "$run/pid" ] || exit 0
  local pid
  pid=$(cat "$run/pid")
  kill "$pid" 2> /dev/null || exit 0
  tail --pid="$pid" -f /dev/null
}

case ${1:-} in
  up) up ;;
  postgres) up; postgres ;;
  down) down ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
