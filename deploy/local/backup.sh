#!/usr/bin/env bash
# Copies everything of a running local stack that cannot be made again into a folder, without stopping it. restore.sh is the way back.
set -uo pipefail
. "$(dirname "$0")/stack.sh"
. "$(dirname "$0")/backup_check.sh"

usage() {
  cat <<'EOF'
Usage: deploy/local/backup.sh FOLDER

Backs up the running stack (VORA_HOME, default .vora) into FOLDER, which must not exist yet: both databases at one instant, then the
objects, the spool of events, the events in ClickHouse, and the secrets. The stack goes on working. docs/operations.md says why in
this order, and what to do for managed databases and buckets.
EOF
}

case "${1:-}" in --help | -h) usage; exit 0 ;; '' | -*) usage >&2; fail "no folder is given" "deploy/local/backup.sh FOLDER" ;; esac
target=$1
[ ! -e "$target" ] || fail "$target exists" "name a new folder; a backup is never written over another"
part_pid postgres >/dev/null && part_pid clickhouse >/dev/null || fail "the stack does not run" "deploy/local/up.sh starts it; the copy is made of the running stack"
export VORA_STORAGE="${VORA_STORAGE:-file://$VORA_HOME/objects}"
partial="$target.partial"
rm -rf "$partial" "$partial.checksums" && mkdir -p "$partial" || fail "$partial cannot be written" "choose another folder"
chmod 700 "$partial"

# copy_living FROM TO WHAT   of a folder in use: a file that goes away meanwhile was deleted; anything else is an error.
copy_living() {
  LC_ALL=C cp -a "$1" "$2" 2>"$partial/errors"
  if grep -v 'No such file or directory' "$partial/errors" | grep -q .; then fail "$3 could not be copied" "$(tail -n 3 "$partial/errors")"; fi
}

# 1. Both databases, as they are at one instant: an answer that one gave the other is in both or in neither.
say "databases"
"$(postgres_bin)/pg_basebackup" -D "$partial/postgres" -X stream -c fast -d "$(postgres_url postgres)" 2>"$partial/errors" ||
  fail "PostgreSQL could not be copied" "$(tail -n 3 "$partial/errors")"

# 2. Objects, after the databases: they are written once, so every object that the databases speak of is there.
case "$VORA_STORAGE" in
  file://*)
    say "objects"
    copy_living "${VORA_STORAGE#file://}" "$partial/objects" "the objects"
    ;;
  *) warn "the objects lie in $VORA_STORAGE: back the bucket up by its own means, after this" ;;
esac

# 3. Events: first those that wait in the spool, then those that have arrived; what is in both is recognised by its batch.
say "events"
[ -d "$VORA_HOME/spool" ] && copy_living "$VORA_HOME/spool" "$partial/spool" "the spool"
# Without `not_after`: it is the last moment of the insert that brought the row, and the table refuses rows whose moment is over.
clickhouse_query "SELECT arrayStringConcat(groupArray(name), ',') FROM system.columns WHERE database = 'vora' AND table = 'playback_events' AND default_kind = '' AND name != 'not_after'" \
  >"$partial/playback_events.columns" && [ -s "$partial/playback_events.columns" ] || fail "ClickHouse could not be read" "see $(log_file clickhouse)"
clickhouse_query "SELECT $(cat "$partial/playback_events.columns") FROM playback_events FORMAT Native" >"$partial/playback_events.native" ||
  fail "ClickHouse could not be read" "see $(log_file clickhouse)"

cp -a "$VORA_HOME/secrets" "$partial/secrets" || fail "the secrets could not be copied" "see $VORA_HOME/secrets"
rm -f "$partial/errors"
# The list is written beside the folder and moved in, so that it never holds itself.
say "checking the copy"
(cd "$partial" && find . -type f ! -path './postgres/*' -print0 | sort -z | xargs -0 -r sha256sum) >"$partial.checksums" &&
  mv "$partial.checksums" "$partial/CHECKSUMS" || fail "the checksums could not be written" "is the disk full?"
check_backup "$partial"
mv "$partial" "$target" || fail "$target could not be put into place" "the copy is in $partial"
say "done: $(du -sh "$target" | cut -f1) in $target"
