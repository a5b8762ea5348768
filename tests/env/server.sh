# shellcheck shell=bash
# What the private S3 servers of tests have in common: daemons under DIR, each with a pid file and a log. Sourced by ceph.sh and stores.sh, which
# set NAME (of the script) and DIR.

# shellcheck disable=SC2034  # read by who sources this
readonly ACCESS_KEY=vora-test SECRET_KEY=vora-test-secret BUCKET=vora
readonly WAIT_SECONDS=120

# shellcheck disable=SC2153
say() { echo "$NAME: $*" >&2; }
fail() { say "$*"; exit 1; }

# wait_for DAEMON COMMAND...: until COMMAND succeeds; fails when the daemon ends first.
wait_for() {
  local daemon=$1 deadline=$((SECONDS + WAIT_SECONDS))
  shift
  until "$@" >/dev/null 2>&1; do
    alive "$daemon" || fail "$daemon ended: $(tail -n 3 "$DIR/log/$daemon.out" | tr '\n' ' ') (more in $DIR/log)"
    [ "$SECONDS" -lt "$deadline" ] || fail "$daemon is not ready after $WAIT_SECONDS s; its log is in $DIR/log"
    sleep 0.1
  done
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

alive() { [ -s "$DIR/$1.pid" ] && kill -0 "$(cat "$DIR/$1.pid")" 2>/dev/null; }

# stop_daemon NAME: by its own pid; first politely.
stop_daemon() {
  alive "$1" || return 0
  local pid deadline=$((SECONDS + 10))
  pid=$(cat "$DIR/$1.pid")
  kill "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || kill -9 "$pid" 2>/dev/null || true
    sleep 0.05
  done
  rm -f "$DIR/$1.pid"
}

# run_daemon NAME COMMAND...: in the background, outliving this script.
run_daemon() {
  local name=$1
  shift
  setsid "$@" >"$DIR/log/$name.out" 2>&1 </dev/null &
  echo $! >"$DIR/$name.pid"
}

# check_ports FIRST COUNT
check_ports() {
  local port
  if ! [[ $1 =~ ^[0-9]{4,5}$ ]] || [ "$1" -lt 1024 ] || [ $(($1 + $2)) -gt 65535 ]; then fail "PORT must be 1024 to $((65535 - $2))"; fi
  for ((port = $1; port < $1 + $2; port++)); do port_is_free "$port" || fail "port $port is in use; give another PORT"; done
}

# curl signs a plain PUT of a bucket rightly; anything else would need more packages.
# make_bucket [BUCKET KEYS]   KEYS: ACCESS:SECRET
make_bucket() {
  curl -sf -m 30 -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user "${2:-$ACCESS_KEY:$SECRET_KEY}" \
    -H "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" \
    "http://127.0.0.1:$(cat "$DIR/port")/${1:-$BUCKET}" >/dev/null
}

print_exports() {
  echo "export VORA_TEST_S3='s3://$BUCKET?endpoint=http://127.0.0.1:$(cat "$DIR/port")'"
  echo "export VORA_S3_ACCESS_KEY='$ACCESS_KEY'"
  echo "export VORA_S3_SECRET_KEY='$SECRET_KEY'"
}
