# shellcheck shell=bash
# One monitor, one OSD on a file, one RADOS gateway: an S3 store on port 8333 whose data lies in /var/lib/ceph/vora. For one machine; nothing is
# replicated. Environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, S3_BUCKET (made when it is missing), CEPH_BYTES (room for objects).
# Ends when one of the three ends; SIGTERM stops them in turn.
set -euo pipefail

: "${AWS_ACCESS_KEY_ID:?}" "${AWS_SECRET_ACCESS_KEY:?}" "${S3_BUCKET:?}"
readonly HOME_DIR=/var/lib/ceph/vora PORT=8333 WAIT_SECONDS=90
readonly CONF=$HOME_DIR/ceph.conf KEYRING=$HOME_DIR/keyring
declare -A pids

say() { echo "ceph: $*" >&2; }
in_cluster() { ceph -c "$CONF" -k "$KEYRING" --connect-timeout 10 "$@"; }

# wait_for DAEMON COMMAND...   until COMMAND succeeds; ends when the daemon has ended.
wait_for() {
  local daemon=$1 deadline=$((SECONDS + WAIT_SECONDS))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "${pids[$daemon]}" 2>/dev/null || { say "$daemon ended while it started"; exit 1; }
    [ "$SECONDS" -lt "$deadline" ] || { say "$daemon is not ready after $WAIT_SECONDS s"; exit 1; }
    sleep 0.1
  done
}
run() {
  local daemon=$1
  shift
  "$@" >&2 &
  pids[$daemon]=$!
}

write_config() {
  cat >"$CONF" <<CONFIG
[global]
fsid = $1
mon host = [v2:127.0.0.1:3300,v1:127.0.0.1:6789]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = $KEYRING
run dir = /tmp
log file =
log to stderr = false
err to stderr = true
admin socket =
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
mon data = $HOME_DIR/mon
mon allow pool size one = true
mon pg warn min per osd = 0
mon data avail crit = 1
mon cluster log file =
mon cluster log to stderr = false
err to stderr = true
osd data = $HOME_DIR/osd
osd objectstore = bluestore
osd memory target = 939524096
bluestore block create = true
bluestore block size = ${CEPH_BYTES:-21474836480}
bluestore cache size = 134217728
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush update on start = false
osd class load list = *
osd class default list = *
ms bind ipv6 = false
rgw frontends = beast endpoint=0.0.0.0:$PORT tcp_nodelay=1
rgw data = /tmp/rgw
rgw dns strict verify = false
debug mon = 0
debug osd = 0
debug rgw = 0
debug rocksdb = 0
debug bluestore = 0
debug bluefs = 0
debug bdev = 0
CONFIG
}

make_cluster() {
  rm -rf "${HOME_DIR:?}"/*
  mkdir -p "$HOME_DIR/mon" "$HOME_DIR/osd"
  local fsid uuid
  fsid=$(cat /proc/sys/kernel/random/uuid)
  uuid=$(cat /proc/sys/kernel/random/uuid)
  write_config "$fsid"
  ceph-authtool --create-keyring "$KEYRING" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$KEYRING" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  ceph-authtool "$KEYRING" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
  monmaptool --create --fsid "$fsid" --addv a '[v2:127.0.0.1:3300,v1:127.0.0.1:6789]' "$HOME_DIR/monmap"
  ceph-mon -c "$CONF" --mkfs -i a --monmap "$HOME_DIR/monmap" --keyring "$KEYRING"
  start_mon
  in_cluster osd new "$uuid"
  ceph-osd -c "$CONF" -i 0 --mkfs --osd-uuid "$uuid" --no-mon-config
  in_cluster osd crush add osd.0 1 root=default host=localhost
  start_osd
  start_rgw
  radosgw-admin -c "$CONF" -n client.admin user create --uid=vora --display-name=Vora \
    --access-key="$AWS_ACCESS_KEY_ID" --secret-key="$AWS_SECRET_ACCESS_KEY" >/dev/null
  # curl signs a plain PUT of a bucket rightly.
  wait_for rgw curl -sf -m 30 -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    -H "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" "http://127.0.0.1:$PORT/$S3_BUCKET"
  touch "$HOME_DIR/complete"
}

start_mon() { run mon ceph-mon -f -c "$CONF" -i a; wait_for mon in_cluster status; }
start_osd() { run osd ceph-osd -f -c "$CONF" -i 0; wait_for osd osd_is_up; }
osd_is_up() { [[ $(in_cluster osd stat) == *" 1 up"* ]]; }
start_rgw() { mkdir -p /tmp/rgw; run rgw radosgw -f -c "$CONF" -n client.admin --no-mon-config; wait_for rgw curl -sf -m 5 -o /dev/null "http://127.0.0.1:$PORT/"; }

stop() {
  local daemon
  for daemon in rgw osd mon; do
    [ -n "${pids[$daemon]:-}" ] || continue
    kill "${pids[$daemon]}" 2>/dev/null || true
    wait "${pids[$daemon]}" 2>/dev/null || true
  done
}
trap 'stop; exit 0' TERM INT
trap stop EXIT

if [ -e "$HOME_DIR/complete" ]; then
  start_mon
  start_osd
  start_rgw
else
  say "first start: making the cluster"
  make_cluster
fi
touch /tmp/ready
say "ready: S3 on port $PORT"
wait -n "${pids[@]}" || true
say "a daemon ended"
exit 1
