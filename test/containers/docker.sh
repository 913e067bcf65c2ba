#!/usr/bin/env bash
# Calls a docker client that builds with BuildKit: one with buildx, or an older one (before 23) that has it built in.
set -euo pipefail
mapfile -t clients < <(type -aP docker | sort -u)
for docker in "${clients[@]}"; do
  version=$("$docker" version -f '{{.Client.Version}}' 2> /dev/null | head -1) || continue
  if "$docker" buildx version > /dev/null 2>&1 || { [ "${version%%.*}" -ge 18 ] && [ "${version%%.*}" -lt 23 ]; }; then
    DOCKER_BUILDKIT=1 exec "$docker" "$@"
  fi
done
echo "docker.sh: no docker client with BuildKit" >&2
exit 1
