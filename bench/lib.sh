# shellcheck shell=bash
# shellcheck disable=SC2034
# What the benchmarks share: figures against goals, medians, a clock. Sourced by run.sh.

SHORT=0
JSON_LINES=()

# figure NAME VALUE UNIT RELATION GOAL   RELATION: ge or le
figure() {
  local name=$1 value=$2 unit=$3 relation=$4 goal=$5 verdict=short sign='>='
  [ "$relation" = le ] && sign='<='
  if awk -v v="$value" -v g="$goal" -v r="$relation" 'BEGIN { exit !(r == "ge" ? v >= g : v <= g) }'; then verdict=holds; fi
  [ "$verdict" = holds ] || SHORT=1
  JSON_LINES+=("$(printf '{"name":"%s","value":%s,"unit":"%s","relation":"%s","goal":%s,"holds":%s}' "$name" "$value" "$unit" "$sign" "$goal" \
    "$([ "$verdict" = holds ] && echo true || echo false)")")
  [ "$JSON" = yes ] || printf '%s %s %s goal %s%s %s\n' "$name" "$value" "$unit" "$sign" "$goal" "$verdict"
}

# A figure for the reader, measured against nothing.
note() { printf '    %s\n' "$*" >&2; }

# median VALUE...
median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b > 0) ? a / b : 0 }'; }
difference() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a - b }'; }
now() { date +%s.%N; }

ROUNDS=${VORA_BENCH_ROUNDS:-3}
BENCH_PIDS=()

# need_packages PACKAGE...
need_packages() { ensure_packages "$@"; }

# need_programs TARGET...   built by ninja when they are not up to date
need_programs() {
  ensure_packages "${BUILD_PACKAGES[@]}"
  mkdir -p "$VORA_HOME/logs"
  [ -f "$VORA_BUILD/build.ninja" ] || cmake -S "$VORA_ROOT" -B "$VORA_BUILD" --preset release >"$VORA_HOME/logs/build.log" 2>&1 ||
    fail "the build could not be configured" "see $VORA_HOME/logs/build.log"
  ninja -C "$VORA_BUILD" "$@" >>"$VORA_HOME/logs/build.log" 2>&1 || fail "the build failed" "see $VORA_HOME/logs/build.log"
}
