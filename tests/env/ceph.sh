#!/bin/bash
# A private Ceph RGW as a real S3 store for tests: one monitor, one OSD in memory, one gateway, all under DIR; no system service is touched.
#
#   ceph.sh start DIR PORT    starts it (about 10 s), waits until it answers, prints shell exports (VORA_TEST_S3, VORA_S3_ACCESS_KEY,
#                             VORA_S3_SECRET_KEY); PORT and the two ports after it must be free. Running already: prints them again
#   ceph.sh stop DIR          stops it and removes DIR
#   ceph.sh user DIR NAME     one more user, with a bucket of that name which nobody else may touch; its keys are NAME-key and NAME-secret
#   ceph.sh pause DIR         stops the gateway alone (the store is away); `ceph.sh resume DIR` brings it back
#
# Needs the Debian packages radosgw ceph-mon ceph-osd ceph-common.
set -euo pipefail

readonly NAME=ceph.sh
. "$(dirname "$0")/server.sh"

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }

write_config() {
  local port=$1
  cat >"$DIR/ceph.conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = $DIR/keyring
run dir = $DIR
log file = $DIR/log/\$name.log
admin socket =
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
mon data = $DIR/mon
mon allow pool size one = true
mon pg warn min per osd = 0
mon data avail crit = 1
mon cluster log file = $DIR/log/cluster.log
osd data = $DIR/osd
osd objectstore = memstore
memstore device bytes = 8589934592
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd class load list = *
osd class default list = *
ms bind ipv6 = false
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw data = $DIR/rgw
rgw dns strict verify = false
debug mon = 1
debug osd = 1
debug rgw = 1
CONF
}

ceph_in() { ceph -c "$DIR/ceph.conf" -k "$DIR/keyring" --connect-timeout 10 "$@"; }

start_mon() {
  ceph-authtool --create-keyring "$DIR/keyring" --gen-key -n mon. --cap mon 'allow *' >/dev/null
  ceph-authtool "$DIR/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
  ceph-authtool "$DIR/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' >/dev/null
  local port=$1 fsid
  fsid=$(sed -n 's/^fsid = //p' "$DIR/ceph.conf")
  monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" "$DIR/monmap" >/dev/null
  ceph-mon -c "$DIR/ceph.conf" --mkfs -i a --monmap "$DIR/monmap" --keyring "$DIR/keyring"
  run_daemon mon ceph-mon -f -c "$DIR/ceph.conf" -i a
  wait_for mon ceph_in status
}

start_osd() {
  local uuid
  uuid=$(cat /proc/sys/kernel/random/uuid)
  ceph_in osd new "$uuid" >/dev/null
  ceph-osd -c "$DIR/ceph.conf" -i 0 --mkfs --osd-uuid "$uuid" --no-mon-config >"$DIR/log/osd-mkfs.out" 2>&1
  ceph_in osd crush add osd.0 1 root=default host=localhost >/dev/null 2>&1
  run_daemon osd ceph-osd -f -c "$DIR/ceph.conf" -i 0
  wait_for osd osd_is_up
}
osd_is_up() { [[ $(ceph_in osd stat) == *" 1 up"* ]]; }

start_rgw() {
  run_daemon rgw radosgw -f -c "$DIR/ceph.conf" -n client.admin --no-mon-config
  wait_for rgw rgw_answers
}
rgw_answers() {
  [ "$(curl -s -o /dev/null -m 5 -w '%{http_code}' "http://127.0.0.1:$(cat "$DIR/port")/")" = 200 ]
}

# make_user NAME ACCESS SECRET
make_user() {
  radosgw-admin -c "$DIR/ceph.conf" -n client.admin user create --uid="$1" --display-name="$1" --access-key="$2" --secret-key="$3" \
    >"$DIR/log/user.out" 2>&1
}

start() {
  local port=$1 tool
  for tool in ceph ceph-mon ceph-osd radosgw radosgw-admin curl; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install radosgw ceph-mon ceph-osd ceph-common curl"
  done
  if [ -s "$DIR/ready" ] && alive rgw; then
    print_exports
    return
  fi
  [ ! -e "$DIR/port" ] || stop
  check_ports "$port" 3
  mkdir -p "$DIR/log" "$DIR/mon" "$DIR/osd" "$DIR/rgw"
  DIR=$(cd "$DIR" && pwd)
  trap stop_daemons EXIT
  echo "$port" >"$DIR/port"
  write_config "$port"
  start_mon "$port"
  start_osd
  start_rgw
  make_user vora "$ACCESS_KEY" "$SECRET_KEY"
  wait_for rgw make_bucket
  date +%s >"$DIR/ready"
  trap - EXIT
  print_exports
}

stop_daemons() {
  local daemon
  for daemon in rgw osd mon; do stop_daemon "$daemon"; done
}

stop() {
  stop_daemons
  # Only a folder that this script made.
  [ ! -e "$DIR/ceph.conf" ] || rm -rf "$DIR"
}

[ $# -ge 2 ] || usage
DIR=$2
case $1 in
  start) [ $# -eq 3 ] || usage; start "$3" ;;
  stop) stop ;;
  pause) stop_daemon rgw ;;
  user) [ $# -eq 3 ] || usage; make_user "$3" "$3-key" "$3-secret" && make_bucket "$3" "$3-key:$3-secret" ;;
  resume) alive rgw || start_rgw ;;
  *) usage ;;
esac
