#!/usr/bin/env bash
# Feeds the parsers of outside data with what libFuzzer thinks of, guided by coverage, under the address and undefined behaviour sanitizers.
# Usage: tests/fuzz/run.sh [SECONDS]   per target, default 60. Needs clang. An input that breaks something is left in build/fuzz: fix, then
# keep it in tests/fuzz/seeds.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
seconds=${1:-60}
out="$root/build/fuzz"
compiler=$(command -v clang++ || command -v clang++-14) || { echo "clang++ is missing: apt-get install clang" >&2; exit 1; }
launcher=$(command -v ccache || true)
# shellcheck disable=SC2054  # the commas are -fsanitize's
flags=(-std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DSIMDJSON_THREADS_ENABLED=1 -I"$root")

core=(libs/core/{status,encoding,digest,sha256_state,ids,text})
events=(services/analytics-ingest/formats/{json_events,batch,cmcd_events} services/analytics-ingest/spool/{spool_batch,spool_format}
  services/analytics-ingest/events/{json_fault,event_builder,player_time,event,viewer_hash,cmcd_sessions}
  libs/http/message/client_address libs/cmcd/{cmcd,structured_field} "${core[@]}")
captions=(libs/media/captions/webvtt libs/core/text)
boxes=(libs/media/input/{container_kind,mp4_check} libs/media/base/media_error libs/core/status)

# fuzz NAME SOURCE...   tests/fuzz/NAME_fuzz.cc with these sources
fuzz() {
  local name=$1 source object objects=()
  shift
  mkdir -p "$out/$name.found" "$out/$name.broken"
  for source in "tests/fuzz/${name}_fuzz" "$@"; do
    object="$out/${source//\//-}.o"
    if [ ! "$object" -nt "$root/$source.cc" ]; then
      # shellcheck disable=SC2086
      $launcher "$compiler" "${flags[@]}" -c "$root/$source.cc" -o "$object"
    fi
    objects+=("$object")
  done
  "$compiler" "${flags[@]}" "${objects[@]}" -labsl_statusor -labsl_status -labsl_cord -labsl_strings -lsimdjson -lcrypto -lisal -lz -o "$out/$name"
  echo "==> $name, $seconds s"
  if ! "$out/$name" -max_total_time="$seconds" -max_len=1024 -timeout=10 -artifact_prefix="$out/$name.broken/" -verbosity=0 -print_final_stats=1 \
    "$out/$name.found" "$root/tests/fuzz/seeds/$name" >"$out/$name.log" 2>&1; then
    grep -v '^"' "$out/$name.log" | tail -n 60 >&2
    exit 1
  fi
  sed -n 's/^stat::number_of_executed_units: *\([0-9]*\)$/    \1 inputs, nothing broke/p' "$out/$name.log"
}

fuzz events "${events[@]}"
fuzz captions "${captions[@]}"
fuzz boxes "${boxes[@]}"
