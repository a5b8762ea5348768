# shellcheck shell=bash
# A clean release build without a compiler cache: processor time of all that it starts, and wall time. This checkout beside another commit of it
# (VORA_BENCH_BASE), the same compiler, one after the other. An hour on two cores, hence one round, and only when it is named.

BUILD_BASE=${VORA_BENCH_BASE:-2e02c5a}     # before sources were compiled together
BUILD_JOBS=${VORA_BENCH_JOBS:-$(nproc)}
BUILD_ROUNDS=${VORA_BENCH_ROUNDS:-1}
BUILD_PROGRAMS=(vora vora-upload vora-metadata vora-orchestrator vora-transcode-worker vora-streaming-gateway vora-analytics-ingest)
BUILD_PROGRAMS_GOAL=0.34
BUILD_ALL_GOAL=0.41

# Seconds on the clock and on processors: WALL CPU. _build_time FOLDER TARGET...
_build_time() {
  local folder=$1 TIMEFORMAT='%R %U %S'
  shift
  { time ninja -C "$folder" -j "$BUILD_JOBS" "$@" >>"$VORA_HOME/logs/build.log" 2>&1 || echo failed; } 2>&1 |
    awk '/failed/ { exit 1 } { printf "%.0f %.0f\n", $1, $2 + $3 }' || fail "the build failed" "see $VORA_HOME/logs/build.log"
}

# Builds the programs, then what is missing of everything: PROGRAMS_WALL PROGRAMS_CPU ALL_WALL ALL_CPU. _build_both SOURCES FOLDER
_build_both() {
  local wall cpu more_wall=0 more_cpu=0
  cmake -S "$1" -B "$2" --preset release >>"$VORA_HOME/logs/build.log" 2>&1 || fail "the build could not be configured" "see $VORA_HOME/logs/build.log"
  read -r wall cpu < <(_build_time "$2" "${BUILD_PROGRAMS[@]}") || exit 1
  if [ "${VORA_BENCH_BUILD:-all}" = all ]; then read -r more_wall more_cpu < <(_build_time "$2" all) || exit 1; fi
  echo "$wall $cpu $((wall + more_wall)) $((cpu + more_cpu))"
}

bench_build() {
  need_packages "${BUILD_PACKAGES[@]}"
  local home="$VORA_HOME/build" round base ours programs=() all=()
  git -C "$VORA_ROOT" rev-parse -q --verify "$BUILD_BASE^{commit}" >/dev/null || fail "$BUILD_BASE is no commit here" "name one in VORA_BENCH_BASE"
  export CCACHE_DISABLE=1
  : >"$VORA_HOME/logs/build.log"
  for ((round = 0; round < BUILD_ROUNDS; round++)); do
    rm -rf "$home" && mkdir -p "$home/base"
    git -C "$VORA_ROOT" archive "$BUILD_BASE" | tar -x -C "$home/base" || fail "$BUILD_BASE could not be unpacked" "is $home writable?"
    read -ra base < <(_build_both "$home/base" "$home/base-build") && [ ${#base[@]} = 4 ] || exit 1
    read -ra ours < <(_build_both "$VORA_ROOT" "$home/build") && [ ${#ours[@]} = 4 ] || exit 1
    note "programs: ${base[1]} CPU s in ${base[0]} s at $BUILD_BASE, ${ours[1]} CPU s in ${ours[0]} s here"
    programs+=("$(ratio "${ours[1]}" "${base[1]}")")
    [ "${VORA_BENCH_BUILD:-all}" = all ] || continue
    note "everything: ${base[3]} CPU s in ${base[2]} s at $BUILD_BASE, ${ours[3]} CPU s in ${ours[2]} s here"
    all+=("$(ratio "${ours[3]}" "${base[3]}")")
  done
  rm -rf "$home"
  unset CCACHE_DISABLE
  figure build.programs_cpu_to_base "$(median "${programs[@]}")" ratio le "$BUILD_PROGRAMS_GOAL"
  [ ${#all[@]} = 0 ] || figure build.all_cpu_to_base "$(median "${all[@]}")" ratio le "$BUILD_ALL_GOAL"
}
