#!/usr/bin/env bash
# A container engine for the tests: brings one up, or says in one line why there is none (exit 1).
#   engine.sh up         an engine on the usual socket: the one that answers already, or Debian's docker.io started by hand (root)
#   engine.sh postgres   also an image with PostgreSQL made of Debian packages, without an image registry; prints its name
#   engine.sh down       ends the engine that "up" started, and no other; not while others use it
# A user is a process: ENGINE_USER, by default the one that calls. What several runs share ends with the last of them.
set -euo pipefail
run=${ENGINE_RUN:-/run/zonekeeper-test-engine}
user=${ENGINE_USER:-$PPID}
log=$run/dockerd.log
here=$(cd "$(dirname "$0")" && pwd)
root=
trap '[ -z "$root" ] || rm -rf "$root"' EXIT

no() { echo "engine: none: $*" >&2; exit 1; }
answers() { command -v docker > /dev/null && timeout 10 docker version > /dev/null 2>&1; }
install() {
  command -v "$2" > /dev/null && return
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1"; } \
    > "$run/apt.log" 2>&1 < /dev/null || no "apt-get install $1: $(tail -1 "$run/apt.log")"
}
# One at a time: another run may be at it.
locked=no
alone() {
  [ "$locked" = no ] || return 0
  locked=yes
  [ "$(id -u)" = 0 ] || no "$1, and this user ($(id -un)) cannot change that"
  mkdir -p "$run/users"
  exec 9> "$run/lock"
  flock -w 300 9 || no "somebody else holds $run/lock"
}

up() {
  # Who is not root has not started it, and will not end it.
  [ "$(id -u)" = 0 ] || ! answers || return 0
  alone "no engine answers"
  : > "$run/users/$user"
  answers && return
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

# Another recipe is another image: one that an earlier version left is not taken for it.
image() { { declare -f postgres; cat "$here/postgres-entrypoint.sh"; } | sha256sum | sed -E 's|^(.{12}).*|zonekeeper-test/postgres:15-\1|'; }
known() { docker image inspect "$(image)" > /dev/null 2>&1; }

postgres() {
  known && return
  alone "there is no image $(image)"
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
  tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["/entrypoint.sh"]' --change 'EXPOSE 5432' - "$(image)" > /dev/null
}

down() {
  [ -f "$run/pid" ] || return 0
  alone "it is another user's"
  rm -f "$run/users/$user"
  # What a run that broke off has left.
  ! answers || docker ps -aq --filter "label=zonekeeper-test=$user" | xargs -r docker rm -f > /dev/null
  local pid other
  for other in "$run"/users/*; do
    if kill -0 "$(basename "$other")" 2> /dev/null; then return 0; fi
    rm -f "$other"
  done
  # Not every user of it has registered.
  if answers && [ -n "$(docker ps -q)" ]; then
    echo "engine: left up, there are containers of others in it" >&2
    return 0
  fi
  pid=$(cat "$run/pid")
  # The number may be another process's by now.
  [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = dockerd ] || return 0
  kill "$pid" 2> /dev/null || return 0
  timeout 60 tail --pid="$pid" -f /dev/null || kill -9 "$pid"
}

case ${1:-} in
  up) up ;;
  postgres) up; postgres; image ;;
  down) down ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
