#!/usr/bin/env bash
# Feeds the parsers of outside data with what libFuzzer thinks of, guided by coverage, under the address and undefined behaviour sanitizers.
# Usage: tests/fuzz/run.sh [SECONDS [NAME...]]   per target, default 60 and all of them. Needs clang. An input that breaks something is left
# in build/fuzz: fix, then keep it in tests/fuzz/seeds. Ends with a line `N passed, N failed`, one for each target.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
cd "$root"
seconds=${1:-60}
wanted=" ${*:2} "
out=build/fuzz
compiler=$(command -v clang++ || command -v clang++-14) || { echo "clang++ is missing: apt-get install clang" >&2; exit 1; }
launcher=$(command -v ccache || true)
# shellcheck disable=SC2054  # the commas are -fsanitize's
flags=(-std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DSIMDJSON_THREADS_ENABLED=1 -I. -I"$out")
libraries=(-labsl_statusor -labsl_status -labsl_cord -labsl_cordz_info -labsl_cord_internal -labsl_time -labsl_time_zone -labsl_strings -lsimdjson -lprotobuf -lcjose -lexpat -lcrypto -lisal -lz)

core=(libs/core/{status,error,encoding,digest,sha256_state,ids,text,time,caller,whole_file,priority,labels,text_field})
proto="$out/vora/analytics/v1/analytics.pb"
metadata_proto="$out/vora/metadata/v1/metadata.pb"
events=(services/analytics-ingest/formats/{json_events,batch,cmcd_events,proto_events} services/analytics-ingest/spool/{spool_batch,spool_format}
  services/analytics-ingest/events/{json_fault,event_builder,event,viewer_hash,cmcd_sessions}
  libs/http/message/client_address libs/cmcd/{cmcd,structured_field} libs/layout/layout "$proto" "${core[@]}")
captions=(libs/media/captions/webvtt libs/core/text)
boxes=(libs/media/input/{container_kind,mp4_check} libs/media/base/media_error libs/media/cmaf/{fmp4_init,mp4_file} libs/core/{status,error,text})
tus=(services/upload/headers/tus_headers libs/http/message/message "${core[@]}")
requests=(libs/http/message/{message,conditional,target} libs/layout/{layout,delivery_path} "${core[@]}")
tokens=(libs/auth/{token,json_web_key,claims,playback_token} "${core[@]}")
s3=(libs/storage/s3/{s3_xml,s3_key_answers} "${core[@]}")
playlists=(services/streaming-gateway/manifest/playlist_uris)
tasks=(services/amqp-bridge/{task,recipient} libs/protojson/proto_json "$metadata_proto" "${core[@]}")
bucket_events=(services/metadata/imports/bucket_events libs/sources/pinned_file "${core[@]}")

mkdir -p "$out"
[ "$proto.cc" -nt proto/vora/analytics/v1/analytics.proto ] || protoc -Iproto --cpp_out="$out" proto/vora/analytics/v1/analytics.proto
[ "$metadata_proto.cc" -nt proto/vora/metadata/v1/metadata.proto ] || protoc -Iproto --cpp_out="$out" proto/vora/metadata/v1/metadata.proto

declare -A compiled=()
# compile SOURCE OBJECT   in the background, once in a run; ccache knows whether it is needed. One that fails leaves no object to link.
compile() {
  [ -z "${compiled[$1]:-}" ] || return 0
  compiled[$1]=yes
  rm -f "$2"
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
  # shellcheck disable=SC2086
  $launcher "$compiler" "${flags[@]}" -c "$1" -o "$2" &
}

passed=0 failed=0
# fuzz NAME SOURCE...   tests/fuzz/NAME_fuzz.cc with these sources
fuzz() {
  local name=$1 source object objects=()
  shift
  [[ $wanted = '  ' || $wanted = *" $name "* ]] || return 0
  mkdir -p "$out/$name.found" "$out/$name.broken"
  for source in "tests/fuzz/${name}_fuzz" "$@"; do
    object="$out/${source//\//-}.o"
    compile "$source.cc" "$object"
    objects+=("$object")
  done
  wait
  "$compiler" "${flags[@]}" "${objects[@]}" "${libraries[@]}" -o "$out/$name"
  if "$out/$name" -max_total_time="$seconds" -max_len=1024 -timeout=10 -artifact_prefix="$out/$name.broken/" -verbosity=0 -print_final_stats=1 \
    "$out/$name.found" "tests/fuzz/seeds/$name" >"$out/$name.log" 2>&1; then
    passed=$((passed + 1))
    echo "==> $name: ok"
    sed -n "s/^stat::number_of_executed_units: *\\([0-9]*\\)\$/    \\1 inputs in $seconds s, nothing broke/p" "$out/$name.log"
  else
    failed=$((failed + 1))
    echo "==> $name: failed"
    grep -v '^"' "$out/$name.log" | tail -n 60
  fi
}

fuzz events "${events[@]}"
fuzz captions "${captions[@]}"
fuzz boxes "${boxes[@]}"
fuzz tus "${tus[@]}"
fuzz requests "${requests[@]}"
fuzz tokens "${tokens[@]}"
fuzz s3 "${s3[@]}"
fuzz playlists "${playlists[@]}"
fuzz bucket_events "${bucket_events[@]}"
fuzz tasks "${tasks[@]}"
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
