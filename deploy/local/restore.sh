#!/usr/bin/env bash
# Makes a local stack out of what backup.sh has written. Start it with up.sh afterwards.
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/stack.sh"
. "$here/backup_check.sh"

usage() {
  cat <<EOF
Usage: $(script restore) FOLDER

Restores the backup in FOLDER into VORA_HOME (now $VORA_HOME), which must hold no stack; $(script up) starts it then. Uploads that
finished while the backup was being made are announced again, so that each becomes its video.
EOF
}

# Where objects lie in folders; a backup holds those of both roots in one.
export VORA_STORAGE="${VORA_STORAGE:-file://$VORA_HOME/objects}"
restore_objects() {
  local root url folder entry copied
  [ -e "$backup/objects" ] || return 0
  for root in RAW PROCESSED; do
    url=$(storage_url "$root")
    case "$url" in file://*) ;; *) warn "objects are not restored into $url: use the bucket's own means"; continue ;; esac
    folder=${url#file://}
    mkdir -p "$folder" || fail "$folder cannot be written" "choose another folder"
    for entry in "$backup"/objects/* "$backup"/objects/.[!.]*; do
      [ -e "$entry" ] || continue
      case "$root ${entry##*/}" in 'PROCESSED processed') copied=yes ;; 'RAW processed' | PROCESSED*) copied=no ;; *) copied=yes ;; esac
      [ $copied = no ] || cp -a "$entry" "$folder/" || fail "the objects could not be copied" "is the disk full?"
    done
  done
}

case "${1:-}" in --help | -h) usage; exit 0 ;; '' | -*) usage >&2; fail "no folder is given" "$(script restore) FOLDER" ;; esac
backup=$1
[ -r "$backup/CHECKSUMS" ] && [ -d "$backup/postgres" ] || fail "$backup is no backup" "name a folder that backup.sh has written"
# What a restore that failed has left is thrown away, nothing else: it has no databases, and has left a mark.
parts=(postgres.new secrets objects spool clickhouse)
for part in postgres "${parts[@]}"; do
  if [ "$part" != postgres ] && [ -e "$VORA_HOME/restoring" ]; then continue; fi
  [ ! -e "$VORA_HOME/$part" ] || fail "$VORA_HOME holds a stack already" "choose another VORA_HOME, or delete it: $(script down) --wipe"
done

# Roots that lie elsewhere are somebody's live objects unless they are empty, or what a restore that failed has left.
for root in RAW PROCESSED; do
  folder=$(storage_url "$root")
  case "$folder" in "file://$VORA_HOME"/*) continue ;; file://*) folder=${folder#file://} ;; *) continue ;; esac
  [ -n "$(ls -A "$folder" 2>/dev/null)" ] || continue
  grep -qxF "$folder" "$VORA_HOME/restoring" 2>/dev/null || fail "$folder holds objects already" "empty it, or name another folder in VORA_STORAGE_$root"
done

say "checking the backup"
check_backup "$backup"

mkdir -p "$VORA_HOME/run" "$VORA_HOME/logs" && VORA_HOME="$(cd "$VORA_HOME" && pwd)" || fail "$VORA_HOME cannot be written" "choose another VORA_HOME"
stop_part clickhouse
for root in RAW PROCESSED; do folder=$(storage_url "$root"); echo "${folder#file://}"; done >"$VORA_HOME/restoring" && (cd "$VORA_HOME" && rm -rf "${parts[@]}") || fail "$VORA_HOME cannot be written" "choose another folder"
say "copying"
for part in secrets spool; do
  [ -e "$backup/$part" ] || continue
  cp -a "$backup/$part" "$VORA_HOME/$part" || fail "$part could not be copied" "is the disk full?"
done
restore_objects
cp -a "$backup/postgres" "$VORA_HOME/postgres.new" || fail "the databases could not be copied" "is the disk full?"
rm -f "$VORA_HOME/postgres.new/backup_manifest"
chmod 700 "$VORA_HOME/postgres.new"
[ "$(id -u)" = 0 ] && chown -R postgres:postgres "$VORA_HOME/postgres.new"

say "loading the events"
start_part clickhouse || exit 1
clickhouse_settings
env "${CLICKHOUSE_SETTINGS[@]}" VORA_SPOOL_DIR="$VORA_HOME/spool" VORA_AUTH=none "$VORA_BIN/vora-analytics-ingest" --migrate >>"$(log_file restore)" 2>&1 ||
  fail "the tables could not be made" "see $(log_file restore)"
if [ -s "$backup/playback_events.native" ]; then
  curl -fsS "http://127.0.0.1:$CLICKHOUSE_HTTP/?database=vora&query=INSERT%20INTO%20playback_events($(cat "$backup/playback_events.columns"))%20FORMAT%20Native" -H "X-ClickHouse-User: default" \
    -H "X-ClickHouse-Key: $(cat "$VORA_HOME/secrets/clickhouse")" -H 'Transfer-Encoding: chunked' -T "$backup/playback_events.native" >>"$(log_file restore)" 2>&1 ||
    fail "the events could not be loaded" "see $(log_file restore) and $(log_file clickhouse)"
fi
stop_part clickhouse

# An upload that finished after the databases were copied has told its listeners; they have forgotten it now.
say "announcing finished uploads again"
env VORA_AUTH=none "$VORA_BIN/vora-upload" --announce-again >>"$(log_file restore)" 2>&1 ||
  fail "the uploads could not be announced again" "see $(log_file restore)"
# Last, so that a restore that failed on its way can be repeated.
mv "$VORA_HOME/postgres.new" "$VORA_HOME/postgres" && rm -f "$VORA_HOME/restoring" || fail "the databases could not be put into place" "see $VORA_HOME/postgres.new"
say "restored; start it: $(script up)"
