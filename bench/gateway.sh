# shellcheck shell=bash
# Segments from the local store through the gateway, and the same files through nginx, in turn. Hot: they fit the gateway's memory cache.
# Cold: more than twice as many bytes as the cache holds, asked for in a circle, so that every one comes from the store.
# Then the hot set with a CMCD session in every request, through three gateways in turn: without analytics, with a real ingest daemon that
# spools every delivery record on the same cores, and with an ingest that is dead.

GATEWAY_GOAL=0.5
UNTOUCHED_GOAL=0.95
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
  # shellcheck disable=SC2094  # nginx is told the name of its log, it does not read it
  "$(command -v nginx || echo /usr/sbin/nginx)" -p "$home" -e "$home/nginx.log" -c "$home/nginx.conf" 2>>"$home/nginx.log" &
  BENCH_PIDS+=($!)
}

# Bytes per second over all connections, and the 99th percentile of the time per segment in microseconds; fails when any request failed.
_load() {
  local port=$1 out
  shift
  out=$(wrk -t 2 -c "$LOAD_CONNECTIONS" -d "${LOAD_SECONDS}s" --timeout 10s -s "$VORA_ROOT/bench/segments.lua" "http://127.0.0.1:$port" -- "$@") ||
    fail "wrk failed on port $port" "$out"
  local bytes micros errors p99
  read -r bytes micros errors p99 <<<"$(sed -n 's/^RESULT //p' <<<"$out")"
  [ "${errors:-1}" = 0 ] || fail "$errors requests failed on port $port" "$out"
  awk -v b="$bytes" -v t="$micros" -v p="$p99" 'BEGIN { printf "%.0f %.0f", b / t * 1e6, p }'
}

# _daemon NAME OFFSET PROGRAM SETTING...   its HTTP, gRPC and admin ports are OFFSET, OFFSET + 1000 and OFFSET + 1100; returns when ready.
_daemon() {
  local name=$1 offset=$2 program=$3 log
  shift 3
  log=$(log_file "bench-$name")
  env VORA_LOG_LEVEL=warn VORA_AUTH=none VORA_HTTP_LISTEN="127.0.0.1:$(port "$offset")" VORA_GRPC_LISTEN="127.0.0.1:$(port $((offset + 1000)))" \
    VORA_ADMIN_LISTEN="127.0.0.1:$(port $((offset + 1100)))" "$@" "$VORA_BUILD/bin/$program" >"$log" 2>&1 &
  BENCH_PIDS+=($!)
  until curl -fsS -m 1 -o /dev/null "http://127.0.0.1:$(port $((offset + 1100)))/livez" 2>/dev/null; do
    kill -0 "${BENCH_PIDS[-1]}" 2>/dev/null || fail "$program did not start" "see $log"
    read -r -t 0.05 <> <(:) || true
  done
}

# _records OFFSET NAME   the sum of a gateway's counter of delivery records
_records() {
  curl -fsS "http://127.0.0.1:$(port $(($1 + 1100)))/metrics" | awk -v n="vora_gateway_delivery_records_$2_total" 'index($1, n) == 1 { s += $2 } END { printf "%.0f", s }'
}

# _cpu_per_segment PID RATE...   CPU microseconds that the process has used per segment, given the bytes per second of every round
_cpu_per_segment() {
  local ticks
  ticks=$(sed 's/^.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }')
  shift
  printf '%s\n' "$@" | awk -v t="$ticks" -v hz="$(getconf CLK_TCK)" -v d="$LOAD_SECONDS" -v b="$SEGMENT_BYTES" '{ s += $1 } END { printf "%.0f", t / hz * 1e6 / (s * d / b) }'
}

_bench_untouched() {
  local home=$1 video=$2 variant i round
  local -A offset=([off]=60 [on]=61 [dead]=62) rates=() tails=() pids=()
  # Without ClickHouse: what it accepts stays in its spool.
  _daemon ingest 64 vora-analytics-ingest VORA_SPOOL_DIR="$home/spool" VORA_CLICKHOUSE_URL="http://127.0.0.1:$(port 69)"
  _daemon gateway-off 60 vora-streaming-gateway VORA_ANALYTICS=
  pids[off]=${BENCH_PIDS[-1]}
  _daemon gateway-on 61 vora-streaming-gateway VORA_ANALYTICS="127.0.0.1:$(port 1064)"
  pids[on]=${BENCH_PIDS[-1]}
  _daemon gateway-dead 62 vora-streaming-gateway VORA_ANALYTICS="127.0.0.1:$(port 69)"
  pids[dead]=${BENCH_PIDS[-1]}
  local -a orders=("off on dead" "dead off on" "on dead off") on_ratios=() dead_ratios=()
  for ((round = 0; round < 2 * ROUNDS + 1; round++)); do
    local -A rate=()
    for variant in ${orders[round % 3]}; do
      local result
      result=$(_load "$(port "${offset[$variant]}")" "$video" "$HOT" cmcd) || exit 1
      rate[$variant]=${result% *}
      rates[$variant]+=" ${result% *}" tails[$variant]+=" ${result#* }"
    done
    on_ratios+=("$(ratio "${rate[on]}" "${rate[off]}")") dead_ratios+=("$(ratio "${rate[dead]}" "${rate[off]}")")
  done
  for variant in off on dead; do
    # shellcheck disable=SC2086
    note "gateway.analytics $variant: $(($(median ${rates[$variant]}) / 1000000)) MB/s, p99 $(median ${tails[$variant]}) us and $(_cpu_per_segment "${pids[$variant]}" ${rates[$variant]}) us of CPU per segment; records sent $(_records "${offset[$variant]}" sent), dropped $(_records "${offset[$variant]}" dropped)"
  done
  [ "$(_records 61 sent)" -gt 0 ] || fail "no delivery record reached the ingest daemon" "see $(log_file bench-gateway-on)"
  note "gateway.analytics: ratios on/off ${on_ratios[*]}; dead/off ${dead_ratios[*]}"
  figure gateway.analytics_on_to_off "$(median "${on_ratios[@]}")" ratio ge "$UNTOUCHED_GOAL"
  figure gateway.analytics_dead_to_off "$(median "${dead_ratios[@]}")" ratio ge "$UNTOUCHED_GOAL"
  for ((i = 0; i < 4; i++)); do
    kill "${BENCH_PIDS[-1]}" && wait "${BENCH_PIDS[-1]}" 2>/dev/null
    unset 'BENCH_PIDS[-1]'
  done
}

bench_gateway() {
  need_packages nginx-light wrk
  need_programs vora-streaming-gateway vora-analytics-ingest vora-bench-objects
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
      theirs=${theirs% *} ours=${ours% *}
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
  _bench_untouched "$home" "$video"
  rm -rf "$home"
}
