#!/usr/bin/env bash
# Runs Vora's tests on a fresh Debian 12: installs what they need, builds, runs, and ends with a line `N passed, N failed, N skipped`.
set -uo pipefail
export VORA_HOME="${VORA_TEST_HOME:-$(cd "$(dirname "$0")/.." && pwd)/.vora/tests}"
mkdir -p "$VORA_HOME" && VORA_HOME="$(cd "$VORA_HOME" && pwd)" || exit 1
. "$(dirname "$0")/../deploy/local/stack.sh"
. "$VORA_ROOT/deploy/local/packages.sh"
. "$VORA_ROOT/deploy/local/build.sh"

usage() {
  cat <<'EOF'
Usage: tests/run.sh [SUITE...]

Suites (all of them without an argument):
  unit         every library and daemon by itself, against a real PostgreSQL and two engines of ClickHouse where it uses them
  integration  the object-store contract and its faults on a real S3 server (Ceph RGW)
  e2e          uploads and playback through the running stack, in a real browser
  faults       parts killed and stores taken away (also the S3 server under a whole stack) while videos are processed; each ends in recovery
  containers   the images, the compose stack and the Kubernetes manifests, with a real container runtime
  all          all of these
  lint         what reads the sources: tests/lint.sh; runs only when it is named

The stacks of the tests live under .vora/tests and on ports of their own; a stack that you run is left alone.
EOF
}

all_suites=(unit integration e2e faults containers)
suites=()
for argument in "$@"; do
  case "$argument" in
    unit | integration | e2e | faults | containers | lint) suites+=("$argument") ;;
    all) suites+=("${all_suites[@]}") ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail "unknown suite: $argument" ;;
  esac
done
[ $# -eq 0 ] && suites=("${all_suites[@]}")

results="$VORA_HOME/results"
rm -rf "$results" && mkdir -p "$results" "$VORA_HOME/logs"
passed=0 failed=0 skipped=0
add_counts() { passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)); }

# Sums the gtest reports of a label; a program that left none (it crashed) counts as one failure.
run_ctest() {
  local label=$1 out="$results/$1" report total bad off
  mkdir -p "$out"
  GTEST_OUTPUT="xml:$out/" ctest --test-dir "$VORA_BUILD" -L "$label" -j 2 --output-on-failure --no-tests=error 2>&1 | tee "$out/ctest.log" |
    grep -E --line-buffered '^ *[0-9]+/[0-9]+ Test|^\[  FAILED|Failure$|error:' || true
  local ran=0 reported=0
  ran=$(grep -cE '^ *[0-9]+/[0-9]+ Test' "$out/ctest.log")
  for report in "$out"/*.xml; do
    [ -e "$report" ] || continue
    total='' bad=0 off=0
    read -r total bad off < <(sed -n 's/^<testsuites tests="\([0-9]*\)" failures="\([0-9]*\)" disabled="\([0-9]*\)" errors="\([0-9]*\)".*/\1 \2 \3/p' "$report")
    [ -n "$total" ] || continue   # not a report of a run
    reported=$((reported + 1))
    local skips
    skips=$(grep -c '<skipped' "$report")
    add_counts $((total - bad - off - skips)) "$bad" $((off + skips))
  done
  [ "$ran" -gt "$reported" ] && add_counts 0 $((ran - reported)) 0
  if [ "$ran" = 0 ]; then add_counts 0 1 0; fi
  if grep -q '^\(The following tests FAILED\)' "$out/ctest.log" && [ "$failed" = 0 ]; then add_counts 0 1 0; fi
  grep -A 40 -E '\[  FAILED  \]|Failure$' "$out/ctest.log" | head -n 80
}

# Sums what a TAP log says at its end. count_tap LOG EXIT_CODE
count_tap() {
  local log=$1 code=$2 good bad off
  tap_total() { sed -n "s/^# $1 \\([0-9]*\\)\$/\\1/p" "$log" | tail -n 1 | grep . || echo "$2"; }
  good=$(tap_total pass '')
  if [ -z "$good" ]; then
    tail -n 30 "$log"
    add_counts 0 1 0
    return
  fi
  bad=$(($(tap_total fail 0) + $(tap_total cancelled 0)))
  off=$(($(tap_total skipped 0) + $(tap_total todo 0)))
  if [ "$code" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  add_counts "$good" "$bad" "$off"
  [ "$bad" = 0 ] || grep -B 2 -A 30 '^ *not ok' "$log" | head -n 200
}

# Runs a folder of node tests one file after the other: they start stacks of their own.
run_node() {
  local suite=$1 log="$results/$1.log"
  npm_install "$VORA_ROOT/tests"
  (cd "$VORA_ROOT/tests" && node --test --test-concurrency=1 --test-reporter=tap "$suite"/*.test.mjs) 2>&1 | tee "$log" |
    grep -E --line-buffered '^ *(not )?ok |^# Subtest' || true
  count_tap "$log" "${PIPESTATUS[0]}"
}

# The console's own tests, beside its code.
run_console() {
  local log="$results/console.log"
  (cd "$VORA_ROOT/services/console" && npm test -- --test-reporter=tap) >"$log" 2>&1
  count_tap "$log" $?
  say "console: $(grep -E '^# (pass|fail) ' "$log" | tr '\n' ' ')"
}

stop_rgw() { [ -n "${rgw_home:-}" ] && bash "$VORA_ROOT/tests/env/ceph.sh" stop "$rgw_home" >/dev/null 2>&1; }

start_rgw() {
  rgw_home="$VORA_HOME/rgw"
  trap stop_rgw EXIT
  say "starting a private Ceph RGW"
  local exports
  exports=$(bash "$VORA_ROOT/tests/env/ceph.sh" start "$rgw_home" 17480) || fail "Ceph RGW did not start" "see $rgw_home"
  eval "$exports"
}

ensure_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
build_all

for suite in "${suites[@]}"; do
  say "suite $suite"
  began=$SECONDS
  case "$suite" in
    unit)
      npm_install "$VORA_ROOT/tests"
      # A current ClickHouse engine; without it the tests on it fail.
      export VORA_TEST_CHDB="$VORA_ROOT/tests/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so"
      run_ctest unit
      run_console
      ;;
    integration)
      start_rgw
      run_ctest integration
      stop_rgw
      rgw_home=''
      ;;
    e2e | faults | containers) run_node "$suite" ;;
    lint)
      bash "$VORA_ROOT/tests/lint.sh" 2>&1 | tee "$results/lint.log"
      read -r good bad < <(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$results/lint.log") || { good=0 bad=1; }
      add_counts "$good" "$bad" 0
      ;;
  esac
  say "suite $suite took $((SECONDS - began)) s"
done

# The stacks of the suites are stopped; their logs stay.
for home in "$VORA_HOME"/*/run; do
  [ -d "$home" ] && VORA_HOME="${home%/run}" "$VORA_ROOT/deploy/local/down.sh" >/dev/null
done

printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
