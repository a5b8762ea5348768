#!/usr/bin/env bash
# Runs Vora's tests on a fresh Debian 12: installs what they need, builds, runs, and ends with a line `N passed, N failed, N skipped`.
set -uo pipefail
export VORA_HOME="${VORA_TEST_HOME:-$(cd "$(dirname "$0")/.." && pwd)/.vora/tests}"
mkdir -p "$VORA_HOME" && VORA_HOME="$(cd "$VORA_HOME" && pwd)" || exit 1
. "$(dirname "$0")/../deploy/local/stack.sh"
. "$VORA_ROOT/deploy/local/packages.sh"
. "$VORA_ROOT/deploy/local/build.sh"

usage() {
  cat <<'TEXT'
Usage: tests/run.sh [SUITE...]

Suites (`all` without an argument):
  lint         what reads the sources: tests/lint.sh
  unit         every library and daemon by itself, against a real PostgreSQL and two engines of ClickHouse where it uses them
  integration  the object-store contract and its faults on a real S3 server (Ceph RGW)
  e2e          uploads and playback through the running stack, in a real browser
  stores       other people's object stores, SeaweedFS and versitygw (built from their Go modules into a cache, once) and Ceph RGW: the contract, uploads
               through crashes and faults, and the whole stack on each
  faults       parts killed and stores taken away (also the S3 server under a whole stack) while videos are processed; each ends in recovery
  containers   the images, the compose stack and the Kubernetes manifests, with a real container runtime
  fuzz         the parsers of outside data: tests/fuzz/run.sh, a minute each (VORA_FUZZ_SECONDS)
  all          all of these; clang-tidy then reads at most 12 changed files, and a parser is fuzzed for 5 seconds

Only when they are named, as each of them builds for long:
  sanitizers   the C++ tests of `unit` again: all of them under the address and undefined behaviour sanitizers, and those of workflow
               (but for its suites over gRPC), http, storage and the spool under the thread sanitizer
  asan-ubsan   the first half of that
  tsan         the second half

Ends with the names of what failed, and a line `N passed, N failed, N skipped`. Each test of C++ is an entry of ctest too, where a server is
shared each suite. The stacks of the tests live under .vora/tests and on ports of their own; a stack that you run is left alone.
TEXT
}

all_suites=(lint unit integration stores e2e faults containers fuzz)
suites=()
[ $# -gt 0 ] || set -- all
for argument in "$@"; do
  case "$argument" in
    lint | unit | integration | stores | e2e | faults | containers | asan-ubsan | tsan | fuzz) suites+=("$argument") ;;
    sanitizers) suites+=(asan-ubsan tsan) ;;
    all)
      suites+=("${all_suites[@]}")
      export VORA_LINT_TIDY_FILES=${VORA_LINT_TIDY_FILES:-12} VORA_FUZZ_SECONDS=${VORA_FUZZ_SECONDS:-5}
      ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail "unknown suite: $argument" ;;
  esac
done

results="$VORA_HOME/results"
rm -rf "$results" && mkdir -p "$results" "$VORA_HOME/logs"
passed=0 failed=0 skipped=0 failures=()
add_counts() { passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)); }
# add_failure NAME   one test that failed
add_failure() { failed=$((failed + 1)) failures+=("$suite: $1"); }

# What gtest's reports say, one line for each test: passed, failed or skipped, and its name.
read_reports() {
  # shellcheck disable=SC2016  # of awk
  find "$1" -name '*.xml' -print0 | xargs -0 -r awk '
    function attribute(key) { return match($0, " " key "=\"[^\"]*\"") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : "" }
    function tell() { if (name != "") print verdict, name; name = "" }
    FNR == 1 { tell() }
    /^    <testcase / {
      tell()
      name = attribute("classname") "." attribute("name")
      verdict = attribute("status") == "run" && attribute("result") == "completed" ? "passed" : "skipped"
    }
    /^      <failure / { verdict = "failed" }
    END { tell() }'
}

# run_ctest LABEL [BUILD [PATTERN [BUT]]]   the entries of a label. One that failed and reports no failure (it crashed) counts as one. Shown while it
# runs: what fails, and every tenth entry.
run_ctest() {
  local label=$1 build=${2:-$VORA_BUILD} out="$results/$suite" verdict name
  mkdir -p "$out" && rm -rf "$build/test-results"
  ctest --test-dir "$build" -L "$label" -R "${3:-.}" -E "${4:-^$}" -j 2 --output-on-failure --no-tests=error 2>&1 | tee "$out/ctest.log" |
    grep -E --line-buffered '^ *[0-9]+/[0-9]+ Test.*(\*\*\*|0 *:)|^\[  FAILED|Failure$|error:'
  [ -d "$build/test-results" ] && cp -r "$build/test-results" "$out/reports"
  while read -r verdict name; do
    case "$verdict" in
      passed) add_counts 1 0 0 ;;
      skipped) add_counts 0 0 1 ;;
      failed) add_failure "$name" ;;
    esac
  done < <(read_reports "$out")
  while read -r name; do
    grep -q '^      <failure ' "$out/reports/$name.xml" 2>/dev/null || add_failure "$name"
  done < <(sed -n '/^The following tests FAILED:/,$s/^\t *[0-9]* - \(.*\) ([^()]*)$/\1/p' "$out/ctest.log")
  if ! grep -q '^[0-9]*% tests passed' "$out/ctest.log"; then add_failure "ctest (see $out/ctest.log)"; fi
  grep -A 40 -E '\[  FAILED  \]|Failure$|Sanitizer' "$out/ctest.log" | head -n 80
}

# run_sanitized PRESET TARGETS [PATTERN [BUT]]   a build of its own; its tests as in run_ctest
run_sanitized() {
  local build="$VORA_ROOT/build/$1" log="$results/$1-build.log" began=$SECONDS targets
  read -ra targets <<<"$2"
  say "building $1 (log: $log)"
  # The current ClickHouse engine has an allocator of its own, which a sanitizer's runtime does not bear: its host is that of the release build.
  if ! {
    cmake -S "$VORA_ROOT" -B "$build" --preset "$1" && ninja -C "$build" "${targets[@]}" &&
      cmake -S "$VORA_ROOT" -B "$VORA_BUILD" --preset release && ninja -C "$VORA_BUILD" clickhouse-engine &&
      cp "$VORA_BUILD/bin/clickhouse-engine" "$build/bin/"
  } >"$log" 2>&1; then
    tail -n 20 "$log"
    add_failure "the build"
    return
  fi
  say "building $1 took $((SECONDS - began)) s"
  run_ctest unit "$build" "${@:3}"
}

# Sums what a TAP log says at its end. count_tap LOG EXIT_CODE
count_tap() {
  local log=$1 code=$2 good bad off name
  tap_total() { sed -n "s/^# $1 \\([0-9]*\\)\$/\\1/p" "$log" | tail -n 1 | grep . || echo "$2"; }
  good=$(tap_total pass '')
  if [ -z "$good" ]; then
    tail -n 30 "$log"
    add_failure "$(basename "$log" .log) (see $log)"
    return
  fi
  bad=$(($(tap_total fail 0) + $(tap_total cancelled 0)))
  off=$(($(tap_total skipped 0) + $(tap_total todo 0)))
  if [ "$code" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  add_counts "$good" "$bad" "$off"
  while read -r name; do failures+=("$suite: $name"); done < <(sed -n 's/^ *not ok [0-9]* - //p' "$log")
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
  export VORA_TEST_S3_LACKS=''
}

# run_gtest LABEL PROGRAM [FILTER]   a program of tests by itself; one that crashed counts as one failure
run_gtest() {
  local label=$1 out="$results/$suite/$1-$2" verdict name
  mkdir -p "$out"
  if ! "$VORA_BUILD/bin/$2" --gtest_filter="${3:-*}" --gtest_output="xml:$out/report.xml" >"$out/log" 2>&1 && [ ! -s "$out/report.xml" ]; then
    add_failure "$label: $2 (see $out/log)"
    return
  fi
  while read -r verdict name; do
    case "$verdict" in
      passed) add_counts 1 0 0 ;;
      skipped) add_counts 0 0 1 ;;
      failed) add_failure "$label: $name" ;;
    esac
  done < <(read_reports "$out")
  # What the store lacks of what Vora likes.
  sed -n '/ lacks of what it likes:$/,/^\[=/p' "$out/log" | grep -v '^\[' | cut -c 1-200
  grep -A 20 -E 'Failure$' "$out/log" | head -n 60
}

# run_store STORE LACKS COMMAND...   the contract, with what the store may lack, and the tests of uploads through crashes and faults
run_store() {
  local store=$1 lacks=$2 home="$VORA_HOME/store-$1" exports
  shift 2
  say "on $store"
  if [ "$store" != ceph ]; then
    "$@" build >/dev/null
    case $? in
      0) ;;
      3) add_counts 0 0 1; return ;;
      *) add_failure "$store could not be built"; return ;;
    esac
  fi
  if ! exports=$("$@" start "$home" 17480); then
    add_failure "$store did not start (see $home)"
    return
  fi
  eval "$exports"
  export VORA_TEST_S3_LACKS="$lacks"
  run_gtest "$store" object_store_s3_test
  run_gtest "$store" vora-upload_test 'UploadCrashTest.*:UploadFaultTest.*'
  unset VORA_TEST_S3 VORA_S3_ACCESS_KEY VORA_S3_SECRET_KEY VORA_TEST_S3_LACKS
  "$@" stop "$home" >/dev/null 2>&1
}
go_store() { bash "$VORA_ROOT/tests/env/stores.sh" "$2" "$1" "${@:3}"; }

# A script that says of each check `NAME: ok` or `NAME: failed`, and at its end `N passed, N failed`.
run_checks() {
  local log="$results/$suite.log" good bad name
  "$@" 2>&1 | tee "$log"
  if ! read -r good bad < <(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log"); then
    add_failure "$suite (see $log)"
    return
  fi
  add_counts "$good" "$bad" 0
  while read -r name; do failures+=("$suite: $name"); done < <(sed -n 's/^==> \(.*\): failed$/\1/p' "$log")
}

ensure_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
case " ${suites[*]} " in
  *' unit '* | *' integration '* | *' stores '* | *' e2e '* | *' faults '* | *' containers '*) build_all ;;
esac
# A current ClickHouse engine; without it the tests on it fail.
export VORA_TEST_CHDB="$VORA_ROOT/tests/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so"

for suite in "${suites[@]}"; do
  say "suite $suite"
  began=$SECONDS
  case "$suite" in
    lint) run_checks bash "$VORA_ROOT/tests/lint.sh" ;;
    unit)
      npm_install "$VORA_ROOT/tests"
      run_ctest unit
      run_console
      ;;
    integration)
      start_rgw
      run_ctest integration
      stop_rgw
      rgw_home=''
      ;;
    stores)
      run_store versitygw KeyMayBeTheFolderOfAnother,TakesLongKeys go_store versitygw
      run_store seaweedfs BackslashesStay,TakesLongKeys,ReplacedPartsAreGone go_store seaweedfs
      run_store ceph '' bash "$VORA_ROOT/tests/env/ceph.sh"
      run_node stores
      ;;
    e2e | faults | containers) run_node "$suite" ;;
    asan-ubsan)
      npm_install "$VORA_ROOT/tests"
      # Children of the worker are left out: the address sanitizer needs more memory, and other system calls, than their sandbox grants. What
      # they do with media runs here in media_test.
      run_sanitized asan-ubsan all . '^vora-transcode-worker_test\.(SandboxTest|EncodeTest|FaultTest|Codecs)'
      ;;
    tsan)
      # Debian's gRPC is not built for the thread sanitizer: what passes between threads through a connection looks like a race.
      TSAN_OPTIONS="suppressions=$VORA_ROOT/tests/tsan.supp" \
        run_sanitized tsan 'workflow_test http_test storage_test vora-analytics-ingest_test' \
        '^(workflow|http|storage)_test\.|^vora-analytics-ingest_test\..*Spool' \
        '^workflow_test\.(DatabaseRestart|RemotePoll|WorkflowService|ActivityWorker|WorkerSessions|CutOff|FullDisk|HandOut|ReportStreams|ProgressStream|ProgressOfAFilm)Test'
      ;;
    fuzz)
      ensure_packages "${FUZZ_PACKAGES[@]}"
      run_checks bash "$VORA_ROOT/tests/fuzz/run.sh" "${VORA_FUZZ_SECONDS:-60}"
      ;;
  esac
  say "suite $suite took $((SECONDS - began)) s"
done

# The stacks of the suites are stopped; their logs stay.
for home in "$VORA_HOME"/*/run; do
  [ -d "$home" ] && VORA_HOME="${home%/run}" "$VORA_ROOT/deploy/local/down.sh" >/dev/null
done

[ ${#failures[@]} = 0 ] || printf 'failed: %s\n' "${failures[@]}"
printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
