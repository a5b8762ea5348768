# shellcheck shell=bash
# A simulated day of changing load on workers scaled by the policy of deploy/kubernetes, and on fleets of a fixed size (bench/scaling.mjs). The
# same seed gives the same day, so there is one round, and nothing is started.

SCALING_P95_GOAL=0.25
SCALING_HOURS_GOAL=0.50

bench_scaling() {
  local result
  result=$(node "$VORA_ROOT/bench/scaling.mjs" --json) || fail "the simulation failed" "run node bench/scaling.mjs"
  note "scaling: $(node "$VORA_ROOT/bench/scaling.mjs" | sed -n '1p')"
  note "$(jq -r '"READY p50 \(.scaled.ready.p50 / 60 * 10 | round / 10) min, p95 \(.scaled.ready.p95 / 60 * 10 | round / 10) min, max \(.scaled.ready.max / 60 * 10 | round / 10) min with \(.scaled.workerHours | round) worker-hours, \(.scaled.peak) workers at most; p95 \(.fixedSame.ready.p95 / 60 * 10 | round / 10) min with \(.fixedSame.size) fixed workers"' <<<"$result")"
  figure scaling.ready_p95_to_fixed_fleet "$(jq '.scaled.ready.p95 / .fixedSame.ready.p95 * 1000 | round / 1000' <<<"$result")" ratio le "$SCALING_P95_GOAL"
  figure scaling.worker_hours_to_fleet_as_quick "$(jq '.scaled.workerHours / .fixedEqual.workerHours * 1000 | round / 1000' <<<"$result")" ratio le "$SCALING_HOURS_GOAL"
}
