# shellcheck shell=bash
# Segments from the local store through the gateway, and the same files through nginx, in turn. Hot: they fit the gateway's memory cache.
# Cold: more than twice as many bytes as the cache holds, asked for in a circle, so that every one comes from the store.

GATEWAY_GOAL=0.5
SEGMENT_BYTES=1500000
HOT=24 COLD=96
LOAD_SECONDS=${VORA_BENCH_LOAD_SECONDS:-5}
LOAD_CONNECTIONS=32

_nginx_start() {
  local home=$1 port=$2 user=''
  [ "$(id -u)" = 0 ] && user='user root;'
  cat >"$home/nginx.conf" <<CONF
$user
worker_processes 2;
daemon off;
pid $home/nginx.pid;
error_log $home/nginx.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=1000;
  client_body_temp_path $home; proxy_temp_path $home; fastcgi_temp_path $home; uwsgi_temp_path $home; scgi_temp_path $home;
  server { listen 127.0.0.1:$port; root $home/plain; }
}
CONF
  "$(command -v nginx || echo /usr/sbin/nginx)" -p "$home" -e "$home/nginx.log" -c "$home/nginx.conf" 2>>"$home/nginx.log" &
  BENCH_PIDS+=($!)
}

# Bytes per second over all connections; fails when any request failed.
_load() {
  local port=$1 video=$2 count=$3 out
  out=$(wrk -t 2 -c "$LOAD_CONNECTIONS" -d "${LOAD_SECONDS}s" --timeout 10s -s "$VORA_ROOT/bench/segments.lua" "http://127.0.0.1:$port" -- "$video" "$count") ||
    fail "wrk failed on port $port" "$out"
  local bytes micros errors
  read -r bytes micros errors <<<"$(sed -n 's/^RESULT //p' <<<"$out")"
  [ "${errors:-1}" = 0 ] || fail "$errors requests failed on port $port" "$out"
  awk -v b="$bytes" -v t="$micros" 'BEGIN { printf "%.0f", b / t * 1e6 }'
}

bench_gateway() {
  need_packages nginx-light wrk
  need_programs vora-streaming-gateway vora-bench-objects
  local home="$VORA_HOME/gateway" video
  rm -rf "$home" && mkdir -p "$home/plain"
  export VORA_STORAGE="file://$home/objects"
  video=$("$VORA_BUILD/bin/vora-bench-objects" "$VORA_STORAGE" "$home/plain" "$COLD" "$SEGMENT_BYTES") || fail "no segments could be made" ""
  VORA_LOG_LEVEL=warn start_part streaming-gateway >&2
  local nginx_port
  nginx_port=$(port 50)
  _nginx_start "$home" "$nginx_port"
  until (exec 3<>"/dev/tcp/127.0.0.1/$nginx_port") 2>/dev/null; do
    kill -0 "${BENCH_PIDS[-1]}" 2>/dev/null || fail "nginx did not start" "see $home/nginx.log"
    read -r -t 0.05 <> <(:) || true
  done
  local set count round ours theirs ratios our_rates their_rates
  for set in hot cold; do
    count=$HOT
    [ "$set" = cold ] && count=$COLD
    ratios=() our_rates=() their_rates=()
    for ((round = 0; round < ROUNDS; round++)); do
      theirs=$(_load "$nginx_port" "$video" "$count") || exit 1
      ours=$(_load "$GATEWAY_HTTP" "$video" "$count") || exit 1
      ratios+=("$(ratio "$ours" "$theirs")")
      our_rates+=("$ours") their_rates+=("$theirs")
    done
    note "gateway.$set: gateway $(($(median "${our_rates[@]}") / 1000000)) MB/s, nginx $(($(median "${their_rates[@]}") / 1000000)) MB/s (ratios ${ratios[*]})"
    figure "gateway.${set}_to_nginx" "$(median "${ratios[@]}")" ratio ge "$GATEWAY_GOAL"
  done
  local peak
  peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$(part_pid streaming-gateway)/status")
  note "gateway: peak memory $peak MiB (cache limit 64 MiB, $LOAD_CONNECTIONS clients)"
  stop_part streaming-gateway
  kill "${BENCH_PIDS[-1]}" && wait "${BENCH_PIDS[-1]}" 2>/dev/null
  BENCH_PIDS=()
  rm -rf "$home"
}
