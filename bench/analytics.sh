# shellcheck shell=bash
# Playback events: into the spool over HTTP, and from the spool into a ClickHouse of its own beside clickhouse-client with the same rows.

ACCEPT_GOAL=200000
LATENCY_GOAL=5
MEMORY_GOAL=128
INSERT_GOAL=0.5
BATCH=100
SINGLE_RATE=5000
INSERT_ROWS=${VORA_BENCH_INSERT_ROWS:-1000000}
ANALYTICS_SECONDS=${VORA_BENCH_LOAD_SECONDS:-8}

CH_URL="http://127.0.0.1:$(port 1291)"
CH_TCP=$(port 1292)
NOBODY=$(port 1299)   # no ClickHouse: what is accepted stays in the spool

_ingest_ready() { curl -fs -m 2 -o /dev/null "http://127.0.0.1:$(port 1194)/livez"; }
# Rows that the daemon has confirmed.
_appended() { curl -fsS "http://127.0.0.1:$(port 1194)/metrics" | awk '/^vora_spool_appended_rows_total/ { printf "%.0f", $2 }'; }

# _ingest_start HOME CLICKHOUSE_URL [NAME=VALUE...]   sets INGEST_PID
_ingest_start() {
  local home=$1 url=$2
  shift 2
  env VORA_LOG_LEVEL=warn VORA_AUTH=none VORA_HTTP_LISTEN="127.0.0.1:$(port 94)" VORA_GRPC_LISTEN="127.0.0.1:$(port 1094)" VORA_ADMIN_LISTEN="127.0.0.1:$(port 1194)" \
    VORA_CLIENT_EVENTS_PER_SECOND=0 VORA_CLIENT_REQUESTS_PER_SECOND=0 VORA_SPOOL_DIR="$home/spool" VORA_CLICKHOUSE_URL="$url" "$@" \
    "$VORA_BUILD/bin/vora-analytics-ingest" >>"$home/ingest.log" 2>&1 &
  INGEST_PID=$!
  BENCH_PIDS+=("$INGEST_PID")
  until _ingest_ready; do
    kill -0 "$INGEST_PID" 2>/dev/null || fail "vora-analytics-ingest did not start" "see $home/ingest.log"
    read -r -t 0.05 <> <(:) || true
  done
}

_ingest_stop() {
  _note_peak "$INGEST_PID"
  kill "$INGEST_PID" && wait "$INGEST_PID" 2>/dev/null
}

# The most memory that any of the daemons needed.
_note_peak() {
  local peak
  peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$1/status")
  [ "$peak" -gt "${INGEST_PEAK:-0}" ] && INGEST_PEAK=$peak
}

_cpu_seconds() { sed 's/^.*) //' "/proc/$1/stat" | awk -v hz="$(getconf CLK_TCK)" '{ print ($12 + $13) / hz }'; }

_accept() {
  local home=$1 round out requests micros errors before after first events rates=() walls=()
  _ingest_start "$home" "http://127.0.0.1:$NOBODY"
  for ((round = 0; round < ROUNDS; round++)); do
    first=$(_appended) before=$(_cpu_seconds "$INGEST_PID")
    out=$(wrk -t 1 -c 16 -d "${ANALYTICS_SECONDS}s" --timeout 10s -s "$VORA_ROOT/bench/events.lua" "http://127.0.0.1:$(port 94)" -- "$BATCH") || fail "wrk failed" "$out"
    after=$(_cpu_seconds "$INGEST_PID") events=$(($(_appended) - first))
    read -r requests micros errors <<<"$(sed -n 's/^RESULT //p' <<<"$out")"
    [ "${errors:-1}" = 0 ] || fail "$errors requests were not accepted" "see $home/ingest.log"
    # A few answers come after wrk has stopped counting.
    [ "$events" -ge $((requests * BATCH)) ] || fail "of $((requests * BATCH)) events $events are in the spool" "see $home/ingest.log"
    rates+=("$(awk -v n="$events" -v c0="$before" -v c1="$after" 'BEGIN { printf "%.0f", n / (c1 - c0) }')")
    walls+=("$(awk -v n="$events" -v t="$micros" 'BEGIN { printf "%.0f", n / t * 1e6 }')")
  done
  _ingest_stop
  note "analytics.accept: events per CPU second ${rates[*]}; per second, beside wrk on $(nproc) cores, ${walls[*]}"
  figure analytics.events_per_second_and_core "$(median "${rates[@]}")" events/s ge "$ACCEPT_GOAL"
}

# _latency HOME FSYNC_INTERVAL   medians of p50 p99 p99.9 in ms, over the rounds
_latency() {
  local home=$1 round p50 p99 p999 max sent failed all50=() all99=() all999=() worst=()
  _ingest_start "$home" "http://127.0.0.1:$NOBODY" VORA_SPOOL_FSYNC_INTERVAL="$2"
  for ((round = 0; round < ROUNDS; round++)); do
    read -r p50 p99 p999 max sent failed <<<"$("$VORA_BUILD/bin/vora-bench-event-load" "$(port 94)" "$SINGLE_RATE" "$ANALYTICS_SECONDS" 128 | sed -n 's/^RESULT //p')"
    [ "${failed:-1}" = 0 ] || fail "${failed:-all} of ${sent:-the} requests were not accepted" "see $home/ingest.log"
    all50+=("$p50") all99+=("$p99") all999+=("$p999") worst+=("$max")
  done
  _ingest_stop
  LATENCY_P99=$(awk -v p="$(median "${all99[@]}")" 'BEGIN { printf "%.2f", p / 1000 }')
  note "analytics.latency, fsync interval $2: us p50 ${all50[*]}; p99 ${all99[*]}; p99.9 ${all999[*]}; most ${worst[*]}"
}

_clickhouse_start() {
  local home=$1
  mkdir -p "$home/clickhouse/tmp"
  cat >"$home/clickhouse/config.xml" <<XML
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <http_port>$(port 1291)</http_port><tcp_port>$CH_TCP</tcp_port><listen_host>127.0.0.1</listen_host>
  <path>$home/clickhouse/</path><tmp_path>$home/clickhouse/tmp/</tmp_path>
  <mark_cache_size>67108864</mark_cache_size>
  <users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
</yandex>
XML
  cat >"$home/clickhouse/users.xml" <<XML
<yandex>
  <profiles><default><max_memory_usage>4000000000</max_memory_usage></default></profiles>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
  <quotas><default></default></quotas>
</yandex>
XML
  clickhouse-server --config-file="$home/clickhouse/config.xml" >"$home/clickhouse.log" 2>&1 &
  local pid=$!
  BENCH_PIDS+=("$pid")
  until curl -fsS -m 2 -o /dev/null "$CH_URL/ping" 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || fail "ClickHouse did not start" "see $home/clickhouse.log"
    read -r -t 0.1 <> <(:) || true
  done
  CLICKHOUSE_PID=$pid
}

_ask() { curl -fsS -m 60 "$CH_URL/" --data-binary "$1"; }
_empty_tables() { _ask "TRUNCATE TABLE vora.playback_events" && _ask "TRUNCATE TABLE vora.playback_sessions"; }

# Seconds until as many rows as were spooled are in the table; the daemon's start counts.
_ship() {
  local home=$1 begin
  rm -rf "$home/spool" && cp -r "$home/filled" "$home/spool"
  begin=$(now)
  _ingest_start "$home" "$CH_URL"
  until [ "$(_ask 'SELECT count() FROM vora.playback_events')" = "$INSERT_ROWS" ]; do
    kill -0 "$INGEST_PID" 2>/dev/null || fail "vora-analytics-ingest stopped" "see $home/ingest.log"
    awk -v a="$begin" -v b="$(now)" 'BEGIN { exit !(b - a > 300) }' && fail "the rows do not come" "see $home/ingest.log"
    read -r -t 0.05 <> <(:) || true
  done
  SHIP_SECONDS=$(difference "$(now)" "$begin")
  _ingest_stop
}

_insert() {
  local home=$1 columns round begin client ratios=() ours=() theirs=() sessions
  _clickhouse_start "$home"
  # The daemon makes the tables.
  rm -rf "$home/spool"
  _ingest_start "$home" "$CH_URL"
  until _ask 'SELECT count() FROM vora.playback_sessions_mv' >/dev/null 2>&1; do read -r -t 0.1 <> <(:) || true; done
  _ingest_stop
  columns=$("$VORA_BUILD/bin/vora-bench-event-rows" "$home/filled" "$home/rows.bin" "$INSERT_ROWS" 2>>"$home/ingest.log") || fail "no rows could be made" "see $home/ingest.log"
  for ((round = 0; round < ROUNDS; round++)); do
    _empty_tables || fail "the tables cannot be emptied" "see $home/clickhouse.log"
    begin=$(now)
    clickhouse-client --host 127.0.0.1 --port "$CH_TCP" --database vora --query "INSERT INTO playback_events ($columns) FORMAT RowBinary" <"$home/rows.bin" ||
      fail "clickhouse-client failed" "see $home/clickhouse.log"
    client=$(difference "$(now)" "$begin")
    sessions=$(_ask 'SELECT uniqExact(session_id) FROM vora.playback_sessions')
    _empty_tables || fail "the tables cannot be emptied" "see $home/clickhouse.log"
    _ship "$home"
    [ "$(_ask 'SELECT uniqExact(session_id) FROM vora.playback_sessions')" = "$sessions" ] || fail "the sessions differ from those of clickhouse-client" ""
    theirs+=("$(ratio "$INSERT_ROWS" "$client")") ours+=("$(ratio "$INSERT_ROWS" "$SHIP_SECONDS")")
    ratios+=("$(ratio "$client" "$SHIP_SECONDS")")
  done
  kill "$CLICKHOUSE_PID" && wait "$CLICKHOUSE_PID" 2>/dev/null
  note "analytics.insert: rows/s from the spool ${ours[*]}; clickhouse-client ${theirs[*]} (ratios ${ratios[*]})"
  figure analytics.insert_to_client "$(median "${ratios[@]}")" ratio ge "$INSERT_GOAL"
}

bench_analytics() {
  need_packages wrk curl clickhouse-server clickhouse-client
  need_programs vora-analytics-ingest vora-bench-event-load vora-bench-event-rows
  local home="$VORA_HOME/analytics" p50 p99
  rm -rf "$home" && mkdir -p "$home"
  INGEST_PEAK=0
  _accept "$home"
  rm -rf "$home/spool"
  read -r p50 p99 <<<"$("$VORA_BUILD/bin/vora-bench-event-rows" --sync "$home" | sed -n 's/^RESULT //p')"
  note "analytics.latency: fdatasync of 4 KiB on this disk takes $p50 us (p99 $p99 us); with interval 0 an event waits for one or two of them"
  _latency "$home" 0
  figure analytics.single_event_p99 "$LATENCY_P99" ms le "$LATENCY_GOAL"
  rm -rf "$home/spool"
  _latency "$home" 1s
  figure analytics.single_event_p99_fsync_1s "$LATENCY_P99" ms le "$LATENCY_GOAL"
  _insert "$home"
  figure analytics.peak_memory "$INGEST_PEAK" MiB le "$MEMORY_GOAL"
  BENCH_PIDS=()
  rm -rf "$home"
}
