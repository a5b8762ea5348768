# shellcheck shell=bash
# shellcheck disable=SC2153
# Everything at once against a whole stack of its own: uploads by tus, players through the edge, events through the edge; then SIGTERM to
# every daemon, and the proof that what was acknowledged is there. Uploads are of bytes that are no video and the worker is stopped
# meanwhile: encoding has a benchmark of its own, and would leave nothing of two cores for the rest.

LOAD_UPLOADS=${VORA_BENCH_LOAD_UPLOADS:-200}
LOAD_PLAYERS=${VORA_BENCH_LOAD_PLAYERS:-2000}
LOAD_EVENTS=${VORA_BENCH_LOAD_EVENTS:-5000}       # per second
LOAD_FOR=${VORA_BENCH_LOAD_FOR:-60}               # seconds
LOAD_VIDEOS=${VORA_BENCH_LOAD_VIDEOS:-3}
LOAD_TOKENS=${VORA_BENCH_LOAD_TOKENS:-on}
LOAD_DAEMONS=(orchestrator metadata upload transcode-worker analytics-ingest streaming-gateway)
# MiB that each may need at most; the upload daemon holds what the store has not taken yet, here all of each upload of 2 MiB.
declare -A LOAD_MEMORY=([orchestrator]=192 [metadata]=256 [upload]=$((160 + 2 * LOAD_UPLOADS)) [analytics-ingest]=256 [streaming-gateway]=256 [varnish]=640)

# As deploy/local/stack.sh does it, but as children of this shell, whose exit codes it gets.
_load_launch() {
  local part=$1 pid
  shift
  mkdir -p "$VORA_HOME/run" "$VORA_HOME/logs"
  setsid "$@" >>"$(log_file "$part")" 2>&1 </dev/null &
  pid=$!
  echo "$pid $(process_start "$pid")" >"$(pid_file "$part")"
}

# Sets LOAD_CODE to the exit code.
_load_stop() {
  local pid
  pid=$(part_pid "$1") || fail "$1 is not running any more" "see $(log_file "$1")"
  stop_part "$1"
  wait "$pid"
  LOAD_CODE=$?
}

# varnishd's cache is the child of what was started.
_load_pid() { if [ "$1" = varnish ]; then pgrep -P "$(part_pid varnish)" -x cache-main; else part_pid "$1"; fi }

# One line per look: seconds, then each part's resident MiB.
_load_watch() {
  local part pid began=$SECONDS
  declare -A pids
  for part in "${!LOAD_MEMORY[@]}"; do pids[$part]=$(_load_pid "$part"); done
  while true; do
    for part in "${!pids[@]}"; do
      [ -n "${pids[$part]}" ] && awk -v p="$part" -v t="$((SECONDS - began))" '/^VmRSS/ { print t, p, $2 / 1024 }' "/proc/${pids[$part]}/status" 2>/dev/null
    done
    read -r -t 1 <> <(:) || true
  done
}

_load_videos() {
  local home=$1 n
  for ((n = 1; n <= LOAD_VIDEOS; n++)); do
    ffmpeg -v error -y -f lavfi -i "testsrc2=size=640x360:rate=30:duration=24" -f lavfi -i "sine=frequency=$((n * 220)):sample_rate=48000:duration=24" \
      -c:v libx264 -preset ultrafast -crf $((20 + n)) -pix_fmt yuv420p -c:a aac -b:a 96k -movflags +faststart "$home/sample$n.mp4" || fail "ffmpeg made no sample"
    VORA_SERVER="$EDGE_URL" VORA_UPLOAD_URL="$UPLOAD_URL" XDG_CACHE_HOME="$home/cache" "$VORA_BUILD/bin/vora" --json upload "$home/sample$n.mp4" 2>>"$home/vora.log" |
      tail -n 1 | jq -er 'select(.state == "READY").video_id' || fail "the sample video was not processed" "see $home/vora.log and $VORA_HOME/logs"
  done
}

_load_events() { clickhouse_query "SELECT count() FROM playback_events WHERE session_id LIKE '$1-%'"; }

bench_load() {
  need_packages "${RUN_PACKAGES[@]}"
  need_programs vora vora-bench-load "${LOAD_DAEMONS[@]/#/vora-}"
  ulimit -n "$(ulimit -Hn)"
  local outer="$VORA_HOME" home="$VORA_HOME/load" part run="load-$$-$SECONDS" result began
  rm -rf "$home" && mkdir -p "$home/objects" "$home/logs" "$home/run"
  # PostgreSQL's own user passes through.
  VORA_HOME=$home
  launch() { _load_launch "$@"; }
  export VORA_LOG_LEVEL=warn VORA_STORAGE="file://$home/objects" VORA_PLAYBACK_TOKENS=$LOAD_TOKENS
  # All comes from one address.
  export VORA_MAX_CONNECTIONS_PER_CLIENT=0 VORA_MAX_REQUESTS_PER_SECOND_PER_CLIENT=0 VORA_CLIENT_EVENTS_PER_SECOND=0 VORA_CLIENT_REQUESTS_PER_SECOND=0
  # On a slow store all may be sending in the same moment.
  export VORA_UPLOAD_MAX_ACTIVE=$((LOAD_UPLOADS + 16))
  for part in "${STACK_PARTS[@]}"; do start_part "$part" >&2; done
  local -a videos
  mapfile -t videos < <(_load_videos "$home")
  [ "${#videos[@]}" = "$LOAD_VIDEOS" ] || fail "the samples were not processed" "see $home/vora.log"
  _load_watch >"$home/memory" 2>/dev/null &
  BENCH_PIDS+=($!)
  local watcher=$! bad_codes=0
  _load_stop transcode-worker
  [ "$LOAD_CODE" = 0 ] || bad_codes=$((bad_codes + 1))

  local -a tokens=()
  [ "$LOAD_TOKENS" = on ] && tokens=(--tokens)
  result=$("$VORA_BUILD/bin/vora-bench-load" --edge "$EDGE_PORT" --upload-port "$UPLOAD_HTTP" "${videos[@]/#/--video=}" --run "$run" --ids "$home/ids" \
    --players "$LOAD_PLAYERS" --uploads "$LOAD_UPLOADS" --events-per-second "$LOAD_EVENTS" --seconds "$LOAD_FOR" "${tokens[@]}" 2>"$home/errors") ||
    fail "the load failed" "$(tail -n 3 "$home/errors")"
  [ -s "$home/errors" ] && note "$(head -n 5 "$home/errors")"
  local now_in
  now_in=$(_load_events "$run")

  # The drain, in the order in which requests come; stores stay.
  began=$(now)
  for part in varnish streaming-gateway analytics-ingest upload metadata orchestrator; do
    _load_stop "$part"
    [ "$LOAD_CODE" = 0 ] || { note "$part ended with $LOAD_CODE"; bad_codes=$((bad_codes + 1)); }
  done
  local drained
  drained=$(difference "$(now)" "$began")
  kill "$watcher" && wait "$watcher" 2>/dev/null
  unset 'BENCH_PIDS[-1]'

  # What waited in the spool or was not yet announced goes on where it stopped.
  local drained_in
  drained_in=$(_load_events "$run")
  for part in orchestrator metadata upload analytics-ingest; do start_part "$part" >&2; done
  local events uploads deadline=$((SECONDS + 60)) rows=-1 missing=-1
  get() { jq -r ".$1 | round" <<<"$result"; }
  events=$(get events) uploads=$(get uploads)
  sort "$home/ids" >"$home/ids.acknowledged"
  while [ "$SECONDS" -lt "$deadline" ]; do
    rows=$(_load_events "$run")
    postgres_query "SELECT upload_id FROM videos WHERE filename LIKE '$run-%'" vora_metadata | sort >"$home/ids.videos"
    missing=$(comm -23 "$home/ids.acknowledged" "$home/ids.videos" | wc -l)
    [ "$rows" -ge "$events" ] && [ "$missing" = 0 ] && break
    read -r -t 0.2 <> <(:) || true
  done
  local unlike again
  unlike=$(clickhouse_query "SELECT uniqExact(session_id, sequence) FROM playback_events WHERE session_id LIKE '$run-%'")
  again=$(($(wc -l <"$home/ids.videos") - $(sort -u "$home/ids.videos" | wc -l)))

  note "load: $(get views) views, $(get segments) segments, $(($(get segment_bytes) / 1000000)) MB, $(get cache_hits) of them hits at the edge; $(get manifests) manifests (p99 $(get manifest_ms_p99) ms); tokens $LOAD_TOKENS"
  note "load: $events events in $(get event_posts) posts (p99 $(get event_ms_p99) ms); $uploads uploads, $(($(get upload_bytes) / 1000000)) MB, $(get most_open_uploads) at once (p99 of a piece $(get patch_ms_p99) ms); $(get reconnects) reconnects"
  note "load: of the events $now_in were in ClickHouse when the load ended, $drained_in after the drain ($drained s), $rows in the end"
  figure load.errors "$(get errors)" requests le 0
  figure load.players "$LOAD_PLAYERS" players ge "$LOAD_PLAYERS"
  figure load.uploads_at_once "$(get most_open_uploads)" uploads ge "$LOAD_UPLOADS"
  figure load.events_per_second "$(awk -v e="$events" -v t="$LOAD_FOR" 'BEGIN { printf "%.0f", e / t }')" events/s ge "$(awk -v e="$LOAD_EVENTS" 'BEGIN { print e * 0.98 }')"
  figure load.segment_p99 "$(get segment_ms_p99)" ms le 2000
  figure load.late_segments "$(get late_segments)" segments le 0
  for part in orchestrator metadata upload analytics-ingest streaming-gateway varnish; do
    figure "load.memory_$part" "$(awk -v p="$part" '$2 == p && $3 > m { m = $3 } END { printf "%.0f", m }' "$home/memory")" MiB le "${LOAD_MEMORY[$part]}"
  done
  figure load.bad_exit_codes "$bad_codes" daemons le 0
  figure load.drain "$drained" s le 60
  figure load.events_lost "$((events - unlike))" events le 0
  figure load.events_twice "$((rows - unlike))" events le 0
  figure load.uploads_lost "$missing" uploads le 0
  figure load.uploads_twice "$again" uploads le 0
  for ((part = ${#STACK_PARTS[@]} - 1; part >= 0; part--)); do
    part_pid "${STACK_PARTS[part]}" >/dev/null && stop_part "${STACK_PARTS[part]}"
  done
  VORA_HOME=$outer
  unset VORA_STORAGE VORA_PLAYBACK_TOKENS VORA_MAX_CONNECTIONS_PER_CLIENT VORA_MAX_REQUESTS_PER_SECOND_PER_CLIENT
  unset VORA_UPLOAD_MAX_ACTIVE VORA_CLIENT_EVENTS_PER_SECOND VORA_CLIENT_REQUESTS_PER_SECOND
  [ "$SHORT" = 0 ] && rm -rf "$home"
  return 0
}
