# shellcheck shell=bash
# The workflow engine beside its peers on one PostgreSQL with fsync on, a database of its own for each turn. A chain is a workflow of three
# activities that do nothing, one after the other; ENGINE_OPEN of them are open. Vora's is a daemon, a worker process and a driver process,
# with gRPC between them; a peer is one node process (bench/peers/engine); "bare" is bench/engine/bare_main.cc.

ENGINE_DBOS_GOAL=5
ENGINE_PG_BOSS_GOAL=3
ENGINE_BARE_GOAL=0.5
ENGINE_COMMITS_GOAL=4        # one chain at a time
ENGINE_LOAD_COMMITS_GOAL=3   # ENGINE_OPEN at a time
ENGINE_P50_GOAL=2            # ms
ENGINE_P99_GOAL=20
ENGINE_FILM_GOAL=1           # percent
ENGINE_OPEN=64
ENGINE_RATE=100              # starts a second
ENGINE_SECONDS=${VORA_BENCH_LOAD_SECONDS:-8}
ENGINE_WARM_UP=2
ENGINE_SLOTS=${VORA_BENCH_ENGINE_SLOTS:-64}
ENGINE_FILM_SECONDS=7200
ENGINE_ENCODED_SECONDS=30

ENGINE_GRPC=$(port 1075) ENGINE_ADMIN=$(port 1175)
ENGINE_ADDRESS="127.0.0.1:$ENGINE_GRPC"

# CPU seconds of a process.
_engine_cpu() { sed 's/^.*) //' "/proc/$1/stat" | awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($12 + $13) / hz }'; }

# CPU seconds of PostgreSQL: the postmaster, its children, and those that have ended.
_engine_postgres_cpu() {
  local postmaster child
  postmaster=$(part_pid postgres)
  {
    sed 's/^.*) //' "/proc/$postmaster/stat" | awk '{ print $12 + $13 + $14 + $15 }'
    for child in $(pgrep -P "$postmaster"); do sed 's/^.*) //' "/proc/$child/stat" 2>/dev/null | awk '{ print $12 + $13 }'; done
  } | awk -v hz="$(getconf CLK_TCK)" '{ s += $1 } END { printf "%.2f", s / hz }'
}

# A new database; what was written before is on disk, so that nobody pays for another's pages. _engine_database NAME
_engine_database() {
  postgres_query "DROP DATABASE IF EXISTS $1 WITH (FORCE)" 2>/dev/null && postgres_query "CREATE DATABASE $1" && postgres_query CHECKPOINT ||
    fail "the database $1 could not be made" "see $(log_file postgres)"
}

# Sets HOST_PID. _engine_start PROGRAM DATABASE
_engine_start() {
  env VORA_LOG_LEVEL=warn VORA_AUTH=none VORA_DATABASE_URL="$(postgres_url "$2")" VORA_GRPC_LISTEN="$ENGINE_ADDRESS" \
    VORA_ADMIN_LISTEN="127.0.0.1:$ENGINE_ADMIN" "$VORA_BUILD/bin/$1" >>"$(log_file engine)" 2>&1 &
  HOST_PID=$!
  BENCH_PIDS+=("$HOST_PID")
  until is_ready "$ENGINE_ADMIN" 2>/dev/null; do
    kill -0 "$HOST_PID" 2>/dev/null || fail "$1 did not start" "see $(log_file engine)"
    read -r -t 0.05 <> <(:) || true
  done
}

_engine_program() { "$VORA_BUILD/bin/vora-bench-engine" --orchestrator "$ENGINE_ADDRESS" "$@"; }

# Sets WORKER_PID; returns when the worker polls. _engine_worker QUEUE ARGUMENT...
_engine_worker() {
  local queue=$1
  shift
  "$VORA_BUILD/bin/vora-bench-engine" --orchestrator "$ENGINE_ADDRESS" "$@" >>"$(log_file engine)" 2>&1 &
  WORKER_PID=$!
  BENCH_PIDS+=("$WORKER_PID")
  until [ "$(postgres_query "SELECT count(*) FROM activity_workers WHERE queue = '$queue'" "$ENGINE_DATABASE")" -gt 0 ]; do
    kill -0 "$WORKER_PID" 2>/dev/null || fail "the worker did not start" "see $(log_file engine)"
    read -r -t 0.05 <> <(:) || true
  done
}

_engine_stop() {
  local pid
  for pid in "$WORKER_PID" "$HOST_PID"; do
    kill "$pid" && wait "$pid" 2>/dev/null
    unset 'BENCH_PIDS[-1]'
  done
}

_engine_lsn() { postgres_query 'SELECT pg_current_wal_lsn()'; }

# Commit records in the log from LSN to LSN: transactions that have written. Those that only read are not in it.
_engine_commits() {
  "$(postgres_bin)/pg_waldump" -p "$VORA_HOME/postgres/pg_wal" -s "$1" -e "$2" -r Transaction --stats=record 2>>"$(log_file engine)" |
    awk '$1 == "Transaction/COMMIT" { n = $2 } END { printf "%d", n }'
}

# Reports of the worker that were not taken at once.
_engine_retries() { grep -c 'report not taken' "$(log_file engine)"; }

# What a run of the driver takes, against what the same daemon does when it idles for as long.
# Sets RATE, COMMITS (for each chain), and TURN, a text for people. _engine_throughput OPEN SECONDS
_engine_throughput() {
  local open=$1 seconds=$2 began lsn result started driver p50 p99 refused wall postgres host worker commits retries
  began=$(now) lsn=$(_engine_lsn) postgres=$(_engine_postgres_cpu) host=$(_engine_cpu "$HOST_PID") worker=$(_engine_cpu "$WORKER_PID")
  retries=$(_engine_retries)
  result=$(_engine_program throughput --open "$open" --seconds "$seconds" --warm-up "$ENGINE_WARM_UP") || fail "the driver failed" "see $(log_file engine)"
  wall=$(difference "$(now)" "$began")
  read -r RATE started driver p50 p99 refused <<<"${result#RESULT }"
  postgres=$(difference "$(_engine_postgres_cpu)" "$postgres") host=$(difference "$(_engine_cpu "$HOST_PID")" "$host")
  worker=$(difference "$(_engine_cpu "$WORKER_PID")" "$worker") commits=$(_engine_commits "$lsn" "$(_engine_lsn)")
  COMMITS=$(awk -v n="$commits" -v idle="${IDLE_COMMITS:-0}" -v t="$wall" -v c="$started" 'BEGIN { printf "%.2f", (n - idle * t) / c }')
  TURN="$RATE/s; a chain $p50 ms (p99 $p99); $refused starts refused, $(($(_engine_retries) - retries)) reports tried again; CPU of $wall s: daemon $host, PostgreSQL $postgres, worker $worker, driver $driver"
}

# Commits per second of a daemon with an idle worker: its reports, and the daemon's own passes.
_engine_idle() {
  local seconds=4 lsn
  lsn=$(_engine_lsn)
  read -r -t "$seconds" <> <(:) || true
  IDLE_COMMITS=$(ratio "$(_engine_commits "$lsn" "$(_engine_lsn)")" "$seconds")
}

# Sets the figures of one turn of Vora's.
_engine_turn_vora() {
  local cpu postgres began p50 p99 from_call_p50 from_call_p99 most count driver refused
  ENGINE_DATABASE=bench_vora
  _engine_database "$ENGINE_DATABASE"
  _engine_start vora-bench-engine-host "$ENGINE_DATABASE"
  _engine_worker bench worker --slots "$ENGINE_SLOTS"
  _engine_idle
  _engine_throughput "$ENGINE_OPEN" "$ENGINE_SECONDS"
  rates[vora]+=" $RATE" load_commits+=("$COMMITS")
  note "engine, $ENGINE_OPEN open: $TURN; $COMMITS commits a chain"
  _engine_throughput 1 4
  single_commits+=("$COMMITS")
  note "engine, 1 open: $TURN; $COMMITS commits a chain; idle $IDLE_COMMITS commits a second, taken off"
  cpu=$(_engine_cpu "$HOST_PID") postgres=$(_engine_postgres_cpu) began=$(now)
  read -r p50 p99 most from_call_p50 from_call_p99 count driver refused <<<"$(_engine_program latency --rate "$ENGINE_RATE" --seconds 6 | sed -n 's/^RESULT //p')"
  [ -n "${refused:-}" ] || fail "the driver failed" "see $(log_file engine)"
  p50s+=("$p50") p99s+=("$p99")
  note "engine.schedule_to_start: ms p50 $p50, p99 $p99, most $most of $count; from the call of StartWorkflow p50 $from_call_p50, p99 $from_call_p99; $refused starts refused;" \
    "CPU of $(difference "$(now)" "$began") s: daemon $(difference "$(_engine_cpu "$HOST_PID")" "$cpu")," \
    "PostgreSQL $(difference "$(_engine_postgres_cpu)" "$postgres"), driver $driver (reading the histories comes on top)"
  _engine_stop
}

# The turn of a peer: NAME, and what prints its line of figures.
_engine_turn() {
  local name=$1 postgres began result rate cpu
  shift
  postgres=$(_engine_postgres_cpu) began=$(now)
  result=$("$@" 2>>"$(log_file engine)" | sed -n 's/^RESULT //p')
  read -r rate cpu <<<"$result"
  [ -n "${cpu:-}" ] || fail "$name failed" "see $(log_file engine)"
  rates[$name]+=" $rate"
  note "$name: $rate/s; CPU of $(difference "$(now)" "$began") s: $cpu, PostgreSQL $(difference "$(_engine_postgres_cpu)" "$postgres")"
}

# _engine_peer NAME PROGRAM [NAME=VALUE...]
_engine_peer() {
  local name=$1 program=$2
  shift 2
  _engine_database "bench_$name"
  _engine_turn "$name" env "$@" BENCH_DATABASE_URL="$(postgres_url "bench_$name")" BENCH_OPEN="$ENGINE_OPEN" BENCH_SECONDS="$ENGINE_SECONDS" \
    BENCH_WARM_UP="$ENGINE_WARM_UP" timeout 120 node "$VORA_ROOT/bench/peers/engine/$program.mjs"
}

_engine_bare() { "$VORA_BUILD/bin/vora-bench-engine-bare" "$(postgres_url bench_bare)" "$ENGINE_OPEN" "$1" "$2" "$3"; }

_engine_turn_of() {
  case "$1" in
    vora) _engine_turn_vora ;;
    dbos) _engine_peer dbos dbos ;;
    pg_boss) _engine_peer pg_boss pg-boss BENCH_NEXT=send ;;
    pg_boss_insert) _engine_peer pg_boss_insert pg-boss BENCH_NEXT=insert ;;
    graphile) _engine_peer graphile graphile-worker ;;
    bare)
      _engine_database bench_bare
      _engine_turn bare _engine_bare "$BARE_THREADS" "$ENGINE_SECONDS" "$ENGINE_WARM_UP"
      ;;
  esac
}

# The number of connections with which the bare program does best here.
_engine_bare_threads() {
  local threads rate best=0
  _engine_database bench_bare
  for threads in 8 16 32 64; do
    rate=$(_engine_bare "$threads" 2 0.5 2>>"$(log_file engine)" | awk '/^RESULT / { printf "%d", $2 }')
    if [ "${rate:-0}" -gt "$best" ]; then best=$rate BARE_THREADS=$threads; fi
  done
  [ "$best" -gt 0 ] || fail "the bare program failed" "see $(log_file engine)"
}

# The ratios of Vora to a peer, round by round, as RATIOS and their median as RATIO.
_engine_ratios() {
  local -a ours theirs
  local i
  RATIOS=()
  read -ra ours <<<"${rates[vora]}"
  read -ra theirs <<<"${rates[$1]}"
  for ((i = 0; i < ${#ours[@]}; i++)); do RATIOS+=("$(ratio "${ours[i]}" "${theirs[i]}")"); done
  RATIO=$(median "${RATIOS[@]}")
}

_engine_throughput_figures() {
  local -A rates=()
  local -a load_commits=() single_commits=() p50s=() p99s=() names=(vora dbos pg_boss pg_boss_insert graphile bare)
  local -A to=()
  local round i name
  _engine_bare_threads
  for ((round = 0; round < ROUNDS; round++)); do
    for ((i = 0; i < ${#names[@]}; i++)); do _engine_turn_of "${names[(i + round) % ${#names[@]}]}"; done
  done
  for name in "${names[@]}"; do
    _engine_ratios "$name"
    to[$name]=$RATIO
    # shellcheck disable=SC2086  # numbers
    note "engine: $name $(median ${rates[$name]}) chains a second (rounds${rates[$name]}), vora to it ${RATIOS[*]}"
  done
  note "engine: $BARE_THREADS connections of the bare program; pg_boss_insert puts the next jobs of a whole batch in by one call, whatever becomes of each"
  figure engine.chains_to_dbos "${to[dbos]}" ratio ge "$ENGINE_DBOS_GOAL"
  figure engine.chains_to_pg_boss "${to[pg_boss]}" ratio ge "$ENGINE_PG_BOSS_GOAL"
  figure engine.chains_to_bare "${to[bare]}" ratio ge "$ENGINE_BARE_GOAL"
  figure engine.commits_one_at_a_time "$(median "${single_commits[@]}")" commits le "$ENGINE_COMMITS_GOAL"
  figure engine.commits_under_load "$(median "${load_commits[@]}")" commits le "$ENGINE_LOAD_COMMITS_GOAL"
  figure engine.schedule_to_start_p50 "$(median "${p50s[@]}")" ms le "$ENGINE_P50_GOAL"
  figure engine.schedule_to_start_p99 "$(median "${p99s[@]}")" ms le "$ENGINE_P99_GOAL"
}

# CPU seconds of ffmpeg for a film: bench/transcode.sh's three renditions and audio of its source, scaled up.
_engine_encoder_cpu() {
  local source="$VORA_HOME/engine-source.mp4" cpu SOURCE_SECONDS=$ENGINE_ENCODED_SECONDS
  [ -s "$source" ] || { _make_source "$source.new.mp4" && mv "$source.new.mp4" "$source"; } || fail "no source could be made" ""
  # Of a subshell of its own, whose children are ffmpeg's; the second line is theirs.
  cpu=$(_ffmpeg_ladder "$source" "$VORA_HOME/engine-ffmpeg" >/dev/null && times) || exit 1
  cpu=$(tail -n 1 <<<"$cpu" | tr 'ms' '  ' | awk '{ printf "%.2f", $1 * 60 + $2 + $3 * 60 + $4 }')
  rm -rf "$VORA_HOME/engine-ffmpeg"
  awk -v c="$cpu" -v s="$ENGINE_ENCODED_SECONDS" -v f="$ENGINE_FILM_SECONDS" 'BEGIN { printf "%.0f", c * f / s }'
}

# CPU seconds of the orchestrator and PostgreSQL since the last call (the first: since their start), as ORCHESTRATOR_CPU and DATABASE_CPU.
_engine_film_cpu() {
  local host postgres
  host=$(_engine_cpu "$HOST_PID") postgres=$(_engine_postgres_cpu)
  ORCHESTRATOR_CPU=$(difference "$host" "${FILM_HOST_CPU:-0}") DATABASE_CPU=$(difference "$postgres" "${FILM_POSTGRES_CPU:-0}")
  FILM_HOST_CPU=$host FILM_POSTGRES_CPU=$postgres
}

# The transitions of a film whose encodes do nothing, and what it takes to stand by while they last: leases and progress.
_engine_film_figures() {
  local encoder hours round result wall events film standing messages bytes largest shares=() seconds=8
  encoder=$(_engine_encoder_cpu) || exit 1
  # The encoders have the whole machine.
  hours=$(awk -v c="$encoder" -v n="$(nproc)" 'BEGIN { printf "%.0f", c / n }')
  ENGINE_DATABASE=bench_film
  for ((round = 0; round < ROUNDS; round++)); do
    _engine_database "$ENGINE_DATABASE"
    _engine_start vora-orchestrator "$ENGINE_DATABASE"
    _engine_worker metadata film-worker --film-seconds "$ENGINE_FILM_SECONDS"
    _engine_film_cpu
    result=$(_engine_program film) || fail "the film failed" "see $(log_file engine)"
    read -r wall events <<<"${result#RESULT }"
    _engine_film_cpu
    film=$(awk -v a="$ORCHESTRATOR_CPU" -v b="$DATABASE_CPU" 'BEGIN { printf "%.2f", a + b }')
    note "engine.film: $events events in $wall s; CPU: orchestrator $ORCHESTRATOR_CPU, PostgreSQL $DATABASE_CPU"
    kill "$WORKER_PID" && wait "$WORKER_PID" 2>/dev/null
    unset 'BENCH_PIDS[-1]'
    _engine_worker metadata film-worker --film-seconds "$ENGINE_FILM_SECONDS" --hold
    _engine_program film --started-only || fail "the film failed" "see $(log_file engine)"
    until [ "$(postgres_query "SELECT count(*) FROM activity_tasks WHERE state = 'STARTED'" "$ENGINE_DATABASE")" -gt 0 ]; do
      read -r -t 0.1 <> <(:) || true
    done
    # The film's first commands are not part of it.
    read -r -t 2 <> <(:) || true
    _engine_film_cpu
    # As metadata does.
    read -r messages bytes largest <<<"$(_engine_program watch --seconds "$seconds" | sed -n 's/^RESULT //p')"
    [ -n "${largest:-}" ] || fail "the watcher failed" "see $(log_file engine)"
    _engine_film_cpu
    standing=$(awk -v a="$ORCHESTRATOR_CPU" -v b="$DATABASE_CPU" -v s="$seconds" 'BEGIN { printf "%.4f", (a + b) / s }')
    shares+=("$(awk -v f="$film" -v s="$standing" -v h="$hours" -v c="$encoder" 'BEGIN { printf "%.3f", 100 * (f + s * h) / c }')")
    note "engine.film: standing by $standing CPU seconds a second (orchestrator $ORCHESTRATOR_CPU, PostgreSQL $DATABASE_CPU in $seconds s)," \
      "for the $hours s in which $(nproc) processors do the encoders' $encoder CPU seconds; ${shares[-1]} % in all;" \
      "progress: $messages messages of $bytes bytes, at most $largest"
    _engine_stop
  done
  figure engine.film_cpu_to_encoders "$(median "${shares[@]}")" percent le "$ENGINE_FILM_GOAL"
}

bench_engine() {
  # shellcheck source=bench/transcode.sh
  . "$VORA_ROOT/bench/transcode.sh"
  # shellcheck source=deploy/local/build.sh
  . "$VORA_ROOT/deploy/local/build.sh"
  need_packages postgresql curl ffmpeg procps
  command -v node >/dev/null || need_packages nodejs npm
  npm_install "$VORA_ROOT/bench/peers/engine" >&2
  need_programs vora-orchestrator vora-bench-engine vora-bench-engine-host vora-bench-engine-bare
  rm -rf "$VORA_HOME/postgres" && : >"$(log_file engine)"
  start_postgres
  note "engine: PostgreSQL $(postgres_query 'SHOW server_version'), fsync $(postgres_query 'SHOW fsync'), synchronous_commit $(postgres_query 'SHOW synchronous_commit'); node $(node --version)"
  _engine_throughput_figures
  _engine_film_figures
  stop_part postgres
  rm -rf "$VORA_HOME/postgres"
}
