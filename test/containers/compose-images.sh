#!/usr/bin/env bash
# Images for the services of deploy/compose, made without an image registry; prints NAME=IMAGE, one a line:
#   POSTGRES_IMAGE     Debian's PostgreSQL, with what compose.yaml uses of the official image
#   PROMETHEUS_IMAGE   this machine's Prometheus
#   GRAFANA_IMAGE      no Grafana: it serves the list of files that were mounted into it, at the same port
# Needs an engine that is up, and `prometheus`. What is there already is left as it is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
prometheus=$(readlink -f "$(command -v prometheus)")
debian=$(bash "$here/engine.sh" postgres)
node=$(bash "$here/node-images.sh" runtime)
# Another recipe or program is another image.
tag=$({ cat "$0" "$here/compose-postgres.sh"; "$prometheus" --version 2>&1 | head -1; echo "$debian $node"; } | sha256sum | cut -c1-12)
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

# make NAME < Dockerfile: with what lies in $work beside it.
make() {
  cat > "$work/Dockerfile"
  bash "$here/docker.sh" build -q -t "$1" "$work" > /dev/null
  rm -rf "$work"
}
fresh() { work=$(mktemp -d); ! docker image inspect "$1" > /dev/null 2>&1; }

image=zonekeeper-test/compose-postgres:$tag
if fresh "$image"; then
  cp "$here/compose-postgres.sh" "$work/entrypoint.sh"
  make "$image" << FILE
FROM $debian
COPY entrypoint.sh /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
FILE
fi
echo "POSTGRES_IMAGE=$image"

image=zonekeeper-test/compose-prometheus:$tag
if fresh "$image"; then
  mkdir -p "$work/root/bin" "$work/root/prometheus"
  cp "$prometheus" "$work/root/bin/prometheus"
  # A program that needs no libraries is fine as it is.
  { ldd "$prometheus" || true; } 2> /dev/null | grep -o '/lib[^ ]*' | while read -r library; do
    mkdir -p "$work/root$(dirname "$library")"
    cp -L "$library" "$work/root$library"
  done
  make "$image" << 'FILE'
FROM scratch
COPY root /
ENTRYPOINT ["/bin/prometheus"]
FILE
fi
echo "PROMETHEUS_IMAGE=$image"

image=zonekeeper-test/compose-grafana:$tag
if fresh "$image"; then
  make "$image" << FILE
FROM $node
ENTRYPOINT ["/nodejs/bin/node", "--eval", "const fs = require('node:fs'); const list = (folder) => fs.readdirSync(folder, { recursive: true }).map((name) => folder + '/' + name); require('node:http').createServer((_, answer) => answer.end(JSON.stringify({ files: [...list('/etc/grafana/provisioning'), ...list('/var/lib/grafana/dashboards')], password: fs.readFileSync(process.env.GF_SECURITY_ADMIN_PASSWORD__FILE, 'utf8').length }))).listen(3000)"]
FILE
fi
echo "GRAFANA_IMAGE=$image"
