#!/usr/bin/env bash
# Measures Vora beside its peers on this machine, and says which goals hold.
set -uo pipefail
export VORA_HOME="${VORA_BENCH_HOME:-$(cd "$(dirname "$0")/.." && pwd)/.vora/bench}"
export VORA_PORT_BASE="${VORA_BENCH_PORT_BASE:-12080}"
. "$(dirname "$0")/../deploy/local/stack.sh"
. "$VORA_ROOT/deploy/local/packages.sh"
. "$VORA_ROOT/bench/lib.sh"

NAMES=()
for file in "$VORA_ROOT"/bench/*.sh; do
  name=$(basename "$file" .sh)
  case "$name" in run | lib) ;; *) NAMES+=("$name") ;; esac
done

usage() {
  cat <<TEXT
Usage: bench/run.sh [--json] [NAME...]

Prints one line per figure: NAME VALUE UNIT goal GOAL holds (or short). Every figure is the median of 3 rounds in which Vora and its
peer take turns. Ends with exit code 1 if one falls short. NAME: ${NAMES[*]} (without one all but build, which takes an hour).

  --json  one JSON array instead of the lines

Environment: VORA_BUILD (default build/release), VORA_BENCH_HOME (state folder, default .vora/bench), VORA_BENCH_PORT_BASE (default 12080;
a stack that you run is left alone), VORA_BENCH_ROUNDS (default 3; of build 1). Of build: VORA_BENCH_BASE (the commit it is compared with,
default 2e02c5a), VORA_BENCH_JOBS (default: as many as there are processors), VORA_BENCH_BUILD=programs leaves out tests and benchmarks.
TEXT
}

JSON=no wanted=()
for argument in "$@"; do
  case "$argument" in
    --json) JSON=yes ;;
    --help | -h) usage; exit 0 ;;
    *)
      [[ " ${NAMES[*]} " == *" $argument "* ]] || { usage >&2; fail "unknown benchmark: $argument"; }
      wanted+=("$argument")
      ;;
  esac
done
if [ ${#wanted[@]} = 0 ]; then
  for name in "${NAMES[@]}"; do [ "$name" = build ] || wanted+=("$name"); done
fi

mkdir -p "$VORA_HOME/run" "$VORA_HOME/logs" || fail "$VORA_HOME cannot be written" "choose another folder with VORA_BENCH_HOME"
VORA_HOME="$(cd "$VORA_HOME" && pwd)"

# Whatever happens, nothing stays behind.
clean_up() {
  local part pid
  for pid in "${BENCH_PIDS[@]}"; do kill "$pid" 2>/dev/null; done
  for part in "${STACK_PARTS[@]}"; do part_pid "$part" >/dev/null && stop_part "$part"; done
}
trap clean_up EXIT

for name in "${wanted[@]}"; do
  say "$name" >&2
  # shellcheck source=/dev/null
  . "$VORA_ROOT/bench/$name.sh"
  "bench_$name"
done
if [ "$JSON" = yes ]; then printf '[%s]\n' "$(IFS=,; echo "${JSON_LINES[*]}")"; fi
exit "$SHORT"
