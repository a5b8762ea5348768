#!/bin/bash
# Object stores of other people for tests, each a single program, all of it under DIR; no system service is touched.
#
#   stores.sh build STORE             builds it from its Go module, once, into a cache (VORA_STORES, default ~/.cache/vora/stores); prints the program
#   stores.sh start STORE DIR PORT    starts it, waits until it answers, prints shell exports (VORA_TEST_S3, VORA_S3_ACCESS_KEY,
#                                     VORA_S3_SECRET_KEY); PORT and the seven ports after it must be free. Running already: prints them again
#   stores.sh stop STORE DIR          stops it and removes DIR
#   stores.sh pause STORE DIR         stops it (the store is away); `stores.sh resume STORE DIR` brings it back with what it had
#
# Exit code 3: there is no Go that could build it.
# STORE is versitygw (an S3 door before a folder) or seaweedfs. Needs Go 1.21 or newer, which fetches the toolchain that the modules ask for.
set -euo pipefail
readonly NAME=stores.sh
here=$(cd "$(dirname "$0")" && pwd)
. "$here/server.sh"

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }

readonly CACHE="${VORA_STORES:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/vora/stores}"

# The program, as it is called once these very modules were built.
program() { echo "$CACHE/$STORE-$(cat "$here/stores/$STORE"/go.* | sha256sum | cut -c1-16)"; }

# Ends with exit code 3: nothing is wrong with the store, it cannot be had here.
lack_go() { say "$*"; exit 3; }

check_go() {
  local remedy version
  remedy="or put a built one at $(program)"
  command -v go >/dev/null || lack_go "Go is missing, which builds $STORE: install one from https://go.dev/dl (Debian 12's golang-go is too old), $remedy"
  version=$(go env GOVERSION | sed 's/^go//')
  # Since 1.21 it fetches the toolchain that a module names.
  printf '1.21\n%s\n' "$version" | sort -VC || lack_go "Go $version is too old to build $STORE, 1.21 is needed: install one from https://go.dev/dl, $remedy"
}

build() {
  local to work package
  to=$(program)
  [ ! -x "$to" ] || { echo "$to"; return; }
  check_go
  case $STORE in
    versitygw) package=github.com/versity/versitygw/cmd/versitygw ;;
    seaweedfs) package=github.com/seaweedfs/seaweedfs/weed ;;
  esac
  say "building $STORE: some minutes, once"
  mkdir -p "$CACHE"
  work=$(mktemp -d "$CACHE/$STORE.XXXXXX")
  cp "$here/stores/$STORE"/go.* "$work/"
  # Nothing is inlined: a quarter less to compile, and fast enough for tests.
  if ! (cd "$work" && GOFLAGS=-mod=mod CGO_ENABLED=0 GOTOOLCHAIN=auto GOWORK=off go build -trimpath -gcflags 'all=-l -dwarf=false' -ldflags '-s -w' -o program "$package") >&2; then
    rm -rf "$work"
    fail "$STORE could not be built"
  fi
  mv "$work/program" "$to"
  rm -rf "$work"
  echo "$to"
}

launch() {
  local port weed
  port=$(cat "$DIR/port")
  case $STORE in
    versitygw)
      run_daemon server env ROOT_ACCESS_KEY="$ACCESS_KEY" ROOT_SECRET_KEY="$SECRET_KEY" "$(program)" \
        --port "127.0.0.1:$port" --keep-alive --quiet posix "$DIR/data"
      ;;
    seaweedfs)
      weed=("$(program)" -logtostderr=true server -dir="$DIR/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false
        -master.port=$((port + 1)) -master.port.grpc=$((port + 2)) -volume.port=$((port + 3)) -volume.port.grpc=$((port + 4))
        -filer.port=$((port + 5)) -filer.port.grpc=$((port + 6)) -s3.port="$port" -s3.port.grpc=$((port + 7)) -s3.port.iceberg=0 -s3.port.lance=0 -s3.autoCreateBucket=false
        -filer.localSocket="$DIR/filer.sock" -s3.localSocket="$DIR/s3.sock" -volume.max=100 -master.volumeSizeLimitMB=1024
        -filer -s3 -s3.config="$DIR/s3.json")
      (umask 077 && cat >"$DIR/s3.json") <<JSON
{"identities": [{"name": "vora", "credentials": [{"accessKey": "$ACCESS_KEY", "secretKey": "$SECRET_KEY"}], "actions": ["Admin"]}]}
JSON
      run_daemon server "${weed[@]}"
      ;;
  esac
}

bucket_is_there() {
  make_bucket "$BUCKET" || curl -sf -m 30 -o /dev/null --aws-sigv4 aws:amz:us-east-1:s3 --user "$ACCESS_KEY:$SECRET_KEY" \
    -H "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" "http://127.0.0.1:$(cat "$DIR/port")/$BUCKET"
}

start() {
  local port=$1
  build >/dev/null
  if [ -s "$DIR/ready" ] && alive server; then
    print_exports
    return
  fi
  [ ! -e "$DIR/port" ] || stop
  check_ports "$port" 8
  mkdir -p "$DIR/log" "$DIR/data"
  DIR=$(cd "$DIR" && pwd)
  trap 'stop_daemon server' EXIT
  echo "$port" >"$DIR/port"
  launch
  wait_for server bucket_is_there
  date +%s >"$DIR/ready"
  trap - EXIT
  print_exports
}

stop() {
  stop_daemon server
  # Only a folder that this script made.
  [ ! -e "$DIR/port" ] || rm -rf "$DIR"
}

resume() {
  alive server && return
  launch
  wait_for server bucket_is_there
}

[ $# -ge 2 ] || usage
STORE=$2
case $STORE in versitygw | seaweedfs) ;; *) usage ;; esac
DIR=${3:-}
case $1 in
  build) [ $# -eq 2 ] || usage; build ;;
  start) [ $# -eq 4 ] || usage; start "$4" ;;
  stop | resume) [ $# -eq 3 ] || usage; "$1" ;;
  pause) [ $# -eq 3 ] || usage; stop_daemon server ;;
  *) usage ;;
esac
