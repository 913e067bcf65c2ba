#!/usr/bin/env bash
# Base images with the Node of this checkout, made without an image registry; prints their names, one a line:
#   what runs     Node and its libraries, no shell, as distroless images are
#   what builds   a Debian with Node and npm
#   node-images.sh runtime   only the first
# Needs an engine that is up. What is there already is left as it is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
node=$(readlink -f "$root/node_modules/node/bin/node")
npm=$(cd "$(dirname "$(readlink -f "$(command -v npm)")")/.." && pwd)
debian=$(bash "$here/engine.sh" postgres)
# Another recipe, Node or Debian is another image.
tag=$({ cat "$0"; "$node" --version; echo "$debian"; } | sha256sum | cut -c1-12)
runtime=zonekeeper-test/node:$tag
build=zonekeeper-test/node-build:$tag
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

if ! docker image inspect "$runtime" > /dev/null 2>&1; then
  work=$(mktemp -d)
  mkdir -p "$work/nodejs/bin" "$work/etc/ssl/certs" "$work/tmp"
  chmod 755 "$work"
  chmod 1777 "$work/tmp"
  cp "$node" "$work/nodejs/bin/node"
  ldd "$node" | grep -o '/lib[^ ]*' | while read -r library; do
    mkdir -p "$work$(dirname "$library")"
    cp -L "$library" "$work$library"
  done
  cp /etc/ssl/certs/ca-certificates.crt "$work/etc/ssl/certs/"
  echo 'nonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin' > "$work/etc/passwd"
  tar -C "$work" -c . | docker import - "$runtime" > /dev/null
  rm -rf "$work"
fi

if [ "${1:-}" = runtime ]; then
  echo "$runtime"
  exit 0
fi
if ! docker image inspect "$build" > /dev/null 2>&1; then
  work=$(mktemp -d)
  cp "$node" "$work/node"
  cp -r "$npm" "$work/npm"
  cp -L /etc/ssl/certs/ca-certificates.crt "$work/"
  cat > "$work/Dockerfile" << FILE
FROM $debian
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/npm
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN ln -s /usr/local/lib/npm/bin/npm-cli.js /usr/local/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
FILE
  bash "$here/docker.sh" build -q -t "$build" "$work" > /dev/null
fi
echo "$runtime"
echo "$build"
