# shellcheck shell=bash
# What a large store costs the workflow engine: the same daemon over an empty database, and over SIZE_CLOSED closed and SIZE_SLEEPING
# sleeping runs (rows made by SQL). Start-up, the wait of a new activity for an idle worker, what an idle replica asks of PostgreSQL, the
# pages that each of its statements reads, and how soon a thousand things that are due at once are done, by one replica and by two.

SIZE_CLOSED=${VORA_BENCH_CLOSED:-1000000}
SIZE_SLEEPING=${VORA_BENCH_SLEEPING:-100000}
SIZE_DUE=1000
SIZE_START_GOAL=2        # seconds until ready, with the schema in place
SIZE_LATENCY_GOAL=1.5    # p50 at size to p50 at 0
SIZE_STATEMENTS_GOAL=5   # a second and replica, when nothing happens
SIZE_BUFFERS_GOAL=2000   # pages a second, when nothing happens, at size
SIZE_DUE_GOAL=10         # seconds
SIZE_SECONDS=${VORA_BENCH_LOAD_SECONDS:-20}

# Closed runs of the last 29 days with three events each, and runs that sleep for years. _size_fill DATABASE
_size_fill() {
  postgres_query "
    INSERT INTO workflow_runs (run_id, workflow_id, tenant, type, request_id, traceparent, start_time_us, history_length, status, close_time_us)
    SELECT vora_run_ids_from(at) || '7' || lpad(to_hex(n), 19, '0'), 'closed/' || n, 'default', 'Chain', '1', '', at, 3, 'COMPLETED', at + 1000000
    FROM (SELECT n, vora_now_us() - 86400000000 * 29 + n * (86400000000 * 28 / $SIZE_CLOSED) AS at FROM generate_series(1, $SIZE_CLOSED) AS n) AS s;
    INSERT INTO workflow_runs (run_id, workflow_id, tenant, type, request_id, traceparent, start_time_us, history_length)
    SELECT vora_run_ids_from(at) || '7' || lpad(to_hex(n), 19, '0'), 'sleeping/' || n, 'default', 'Sleeper', '1', '', at, 2
    FROM (SELECT n, vora_now_us() - 86400000000 * 29 + n * (86400000000 * 28 / $SIZE_SLEEPING) AS at FROM generate_series(1, $SIZE_SLEEPING) AS n) AS s;
    INSERT INTO workflow_events (run_id, event_id, type, time_us, attributes)
    SELECT run_id, e.id, e.type, start_time_us + e.id, e.attributes FROM workflow_runs r JOIN (VALUES
    ('Chain', 1, 'WORKFLOW_EXECUTION_STARTED', '{\"input\":\"{\\\\\"activities\\\\\":0}\",\"tenant\":\"default\",\"workflow_type\":\"Chain\"}'),
    ('Chain', 2, 'WORKFLOW_EXECUTION_SIGNALED', '{\"input\":\"{}\",\"name\":\"a signal that nobody waits for\"}'),
    ('Chain', 3, 'WORKFLOW_EXECUTION_COMPLETED', '{\"result\":\"{}\"}'),
    ('Sleeper', 1, 'WORKFLOW_EXECUTION_STARTED', '{\"input\":\"{\\\\\"ms\\\\\":8640000000}\",\"tenant\":\"default\",\"workflow_type\":\"Sleeper\"}'),
    ('Sleeper', 2, 'TIMER_STARTED', '{\"after_ms\":8640000000,\"timer_id\":\"sleep\"}')) AS e(run_type, id, type, attributes) ON e.run_type = r.type
    WHERE r.workflow_id NOT LIKE 'chain/%'
    ORDER BY run_id, id;
    INSERT INTO workflow_timers (run_id, started_event_id, timer_id, fire_at_us, look_at_us)
    SELECT run_id, 2, 'sleep', start_time_us + 8640000000000, start_time_us + 8640000000000 FROM workflow_runs WHERE workflow_id LIKE 'sleeping/%'" "$1" ||
    fail "the rows could not be made" "see $(log_file postgres)"
  postgres_query 'VACUUM ANALYZE' "$1" && postgres_query CHECKPOINT
}

_size_statements() {
  postgres_query "SELECT $1 FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = '$ENGINE_DATABASE' AND s.toplevel"
}

# Sets START, P50, STATEMENTS and BUFFERS (a second), and tells of each statement. _size_measure NAME
_size_measure() {
  local began pages watcher
  began=$(now)
  _engine_start vora-bench-engine-host "$ENGINE_DATABASE"
  START=$(difference "$(now)" "$began")
  _engine_worker bench worker --slots 8
  read -r P50 _ <<<"$(_engine_program latency --rate 50 --seconds 6 | sed -n 's/^RESULT //p')"
  [ -n "${P50:-}" ] || fail "the driver failed" "see $(log_file engine)"
  # As metadata does.
  _engine_program watch --seconds $((SIZE_SECONDS + 7)) >>"$(log_file engine)" &
  watcher=$!
  BENCH_PIDS+=("$watcher")
  # What the load has left behind.
  read -r -t 5 <> <(:) || true
  postgres_query 'SELECT pg_stat_statements_reset()' >/dev/null
  read -r -t "$SIZE_SECONDS" <> <(:) || true
  STATEMENTS=$(_size_statements "round(sum(calls)::numeric / $SIZE_SECONDS, 2)")
  BUFFERS=$(_size_statements "round(sum(shared_blks_hit + shared_blks_read) / $SIZE_SECONDS)")
  note "size, $1: ready in $START s, p50 $P50 ms, idle $STATEMENTS statements and $BUFFERS pages a second"
  while IFS='|' read -r pages; do note "size, $1:   $pages"; done < <(_size_statements "round(calls::numeric / $SIZE_SECONDS, 2) || ' a second, ' ||
    round((shared_blks_hit + shared_blks_read)::numeric / calls) || ' pages each, ' || round(mean_exec_time::numeric, 2) || ' ms: ' ||
    left(regexp_replace(query, '\s+', ' ', 'g'), 70)" | sort -rn)
  wait "$watcher" || fail "the watcher failed" "see $(log_file engine)"
  unset 'BENCH_PIDS[-1]'
  _engine_stop
}

# Seconds from when a thousand are due, at once, until the last is done, as DUE. _size_due REPLICAS UPDATE ARGUMENT...
_size_due() {
  local replicas=$1 update=$2 began pid second=
  shift 2
  _engine_start vora-bench-engine-host "$ENGINE_DATABASE"
  if [ "$replicas" = 2 ]; then
    local ENGINE_GRPC ENGINE_ADMIN ENGINE_ADDRESS first=$HOST_PID
    ENGINE_GRPC=$(port 1076) ENGINE_ADMIN=$(port 1176) ENGINE_ADDRESS="127.0.0.1:$ENGINE_GRPC"
    _engine_start vora-bench-engine-host "$ENGINE_DATABASE"
    second=$first
  fi
  _engine_program start --count "$SIZE_DUE" "$@" || fail "the driver failed" "see $(log_file engine)"
  began=$(now)
  postgres_query "$update" "$ENGINE_DATABASE"
  until [ "$(postgres_query "SELECT count(*) FROM workflow_runs WHERE workflow_id LIKE 'chain/%' AND status = 'RUNNING'" "$ENGINE_DATABASE")" = 0 ]; do
    read -r -t 0.05 <> <(:) || true
  done
  DUE=$(difference "$(now)" "$began")
  for pid in "$HOST_PID" $second; do
    kill "$pid" && wait "$pid" 2>/dev/null
    unset 'BENCH_PIDS[-1]'
  done
}

bench_size() {
  local empty_p50 replicas
  # shellcheck source=bench/engine.sh
  . "$VORA_ROOT/bench/engine.sh"
  need_packages postgresql curl procps
  need_programs vora-orchestrator vora-bench-engine vora-bench-engine-host
  rm -rf "$VORA_HOME/postgres" && : >"$(log_file engine)"
  start_postgres
  postgres_query "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'"
  stop_part postgres
  start_postgres
  postgres_query 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements'
  ENGINE_DATABASE=bench_size
  _engine_database "$ENGINE_DATABASE"
  # The schema is not part of a start.
  VORA_LOG_LEVEL=warn VORA_DATABASE_URL="$(postgres_url "$ENGINE_DATABASE")" VORA_AUTH=none "$VORA_BUILD/bin/vora-orchestrator" --migrate ||
    fail "the schema could not be made" ""
  _size_measure empty
  empty_p50=$P50
  for replicas in 1 2; do
    _size_due "$replicas" 'UPDATE workflow_timers SET fire_at_us = 1, look_at_us = 1' --sleep-ms 3600000
    figure "size.due_timers_$replicas" "$DUE" s le "$SIZE_DUE_GOAL"
    _size_due "$replicas" 'UPDATE activity_tasks SET schedule_to_close_deadline_us = 1'
    figure "size.due_timeouts_$replicas" "$DUE" s le "$SIZE_DUE_GOAL"
  done
  _size_fill "$ENGINE_DATABASE"
  _size_measure large
  figure size.start "$START" s le "$SIZE_START_GOAL"
  figure size.latency_to_empty "$(ratio "$P50" "$empty_p50")" ratio le "$SIZE_LATENCY_GOAL"
  figure size.idle_statements "$STATEMENTS" a_second le "$SIZE_STATEMENTS_GOAL"
  figure size.idle_pages "$BUFFERS" a_second le "$SIZE_BUFFERS_GOAL"
  stop_part postgres
  rm -rf "$VORA_HOME/postgres"
}
