#!/usr/bin/env bash
# Stops the local stack; with --wipe its data is deleted too.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/stack.sh"

usage() {
  cat <<EOF
Usage: $(script down) [--wipe]

Stops everything that $(script up) has started in VORA_HOME (now $VORA_HOME).

  --wipe  delete all its data as well: videos, database, logs
EOF
}

wipe=no
for argument in "$@"; do
  case "$argument" in
    --wipe) wipe=yes ;;
    --help | -h) usage; exit 0 ;;
    *) fail "unknown argument: $argument" "$(script down) [--wipe]" ;;
  esac
done
[ -d "$VORA_HOME" ] || { say "nothing to stop: $VORA_HOME does not exist"; exit 0; }
mkdir -p "$VORA_HOME/run"
exec 9>"$VORA_HOME/run/lock"
flock 9
for ((i = ${#STACK_PARTS[@]} - 1; i >= 0; i--)); do
  part=${STACK_PARTS[i]}
  if part_pid "$part" >/dev/null; then say "stopping $part"; fi
  stop_part "$part"
done
if [ "$wipe" = yes ]; then
  case "$VORA_HOME" in / | "$HOME" | "$VORA_ROOT") fail "refusing to delete $VORA_HOME" "set VORA_HOME to a folder of its own" ;; esac
  say "deleting $VORA_HOME"
  rm -rf "$VORA_HOME"
fi
say "stopped"
