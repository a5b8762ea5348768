#!/usr/bin/env bash
# Copies everything of a running local stack that cannot be made again into a folder, without stopping it. restore.sh is the way back.
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/stack.sh"
. "$here/backup_check.sh"

usage() {
  cat <<EOF
Usage: $(script backup) FOLDER

Backs up the running stack in VORA_HOME (now $VORA_HOME) into FOLDER, which must not exist yet: both databases at one instant, then the
objects, the spool of events, the events in ClickHouse, and the secrets. The stack goes on working. Vora's docs/operations.md says why in
this order, and what to do for managed databases and buckets.
EOF
}

case "${1:-}" in --help | -h) usage; exit 0 ;; '' | -*) usage >&2; fail "no folder is given" "$(script backup) FOLDER" ;; esac
target=$1
while [ "$target" != "${target%/}" ]; do target=${target%/}; done
[ -n "$target" ] && [ ! -e "$target" ] || fail "$1 exists" "name a new folder; a backup is never written over another"
part_pid postgres >/dev/null && part_pid clickhouse >/dev/null || fail "the stack does not run" "$(script up) starts it; the copy is made of the running stack"
export VORA_STORAGE="${VORA_STORAGE:-file://$VORA_HOME/objects}"
partial="$target.partial"
mkdir -p "$partial" && chmod 700 "$partial" && exec 9<"$partial" || fail "$partial cannot be written" "choose another folder"
# The lock is the folder's: a backup that was killed has left it open to the next one, one that is being made has not.
flock -n 9 && [ "$partial" -ef /proc/self/fd/9 ] || fail "another backup is being made into $target" "wait for it, or name another folder"

# Whatever ends this script before its end, Ctrl-C too, leaves nothing behind.
keep=no
clean_up() {
  local code=$?
  trap '' HUP INT TERM
  [ "$keep" = yes ] || rm -rf "$partial" "$partial.checksums"
  [ "$code" -le 128 ] || warn "interrupted; nothing is left of the backup"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
find "$partial" -mindepth 1 -delete || fail "$partial holds what cannot be deleted" "choose another folder"

# copy_living WHAT ARGUMENTS_OF_CP...   of files in use. `changed` is what went away, or was replaced, between the listing and the copying.
# What cp says is kept in memory: on a full disk nothing else would know of it.
copy_living() {
  local what=$1 code said other
  shift
  said=$(LC_ALL=C cp -a "$@" 2>&1)
  code=$?
  changed=''
  [ "$code" != 0 ] || return 0
  local harmless="^cp: ((cannot (stat|open|access) )?['\"].*: No such file or directory|skipping file .*, as it was replaced while being copied)\$"
  changed=$(grep -E "$harmless" <<<"$said")
  other=$(grep -vE "$harmless" <<<"$said")
  [ "$code" = 1 ] && [ -n "$changed" ] && [ -z "$other" ] || fail "$what could not be copied" "$(tail -n 3 <<<"${other:-cp ended with $code}")"
}

# The same bytes in both, or neither is there.
same_file() { cmp -s "$1" "$2" || { [ ! -e "$1" ] && [ ! -e "$2" ]; }; }

# copy_upload FOLDER   of one upload that is under way: its state and what the state names, from one moment.
copy_upload() {
  local id=${1##*/} tries
  for ((tries = 0; tries < 100; tries++)); do
    rm -rf "$partial/objects/raw/$id"
    [ -d "$1" ] || return 0
    copy_living "the upload $id" "$1" "$partial/objects/raw/"
    if [ -z "$changed" ] && same_file "$1/state@" "$partial/objects/raw/$id/state@"; then return 0; fi
    read -r -t 0.02 <> <(:) || true
  done
  fail "the upload $id changes faster than it can be copied" "try again when less is uploaded"
}

copy_objects() {
  local from=$1 to="$partial/objects" entry part tries folder unfinished=()
  [ -d "$from" ] || fail "the objects are not in $from" "set VORA_STORAGE as it was for up.sh"
  mkdir -p "$to/.multipart" "$to/raw" || fail "$to cannot be written" "is the disk full?"
  for entry in "$from"/* "$from"/.[!.]*; do
    case "${entry##*/}" in .tmp | .locks | .multipart) continue ;; esac
    # A name that something new was given while it was copied is copied again.
    for ((tries = 0; tries < 100; tries++)); do
      [ -e "$entry" ] || break
      copy_living "the objects" -u "$entry" "$to/"
      case "$changed" in *'replaced while'*) ;; *) break ;; esac
    done
    [ "$tries" -lt 100 ] || fail "the objects change faster than they can be copied" "try again when less is uploaded"
  done
  # Of an upload that is not finished, what its state names may have gone since, and other things come.
  [ "file://$from" = "$(storage_url RAW)" ] || return 0
  for folder in "$to"/raw/*/; do
    [ -e "${folder}original@" ] || [ ! -d "$folder" ] || unfinished+=("$from/raw/$(basename "$folder")")
  done
  for folder in "${unfinished[@]}"; do copy_upload "$folder"; done
  # After the states, which name parts that are there by then; the records before the bytes, which were there before them.
  for folder in "$from"/.multipart/*/; do
    [ -d "$folder" ] || continue
    entry="$to/.multipart/$(basename "$folder")"
    mkdir -p "$entry" || fail "$to cannot be written" "is the disk full?"
    for part in meta parts data; do
      [ -e "$folder$part" ] || continue
      copy_living "the parts of an upload" "$folder$part" "$entry/"
    done
    [ -e "${folder}data" ] || rm -rf "$entry"   # finished meanwhile: its bytes are the original now
  done
  # Those that were finished meanwhile have taken their parts with them.
  for folder in "${unfinished[@]}"; do
    [ ! -e "$folder/original@" ] || [ -e "$to/raw/${folder##*/}/original@" ] || copy_upload "$folder"
  done
}

# A segment of the spool changes its name on its way into ClickHouse: one that went away may be there under its next name. So it is copied
# until nothing went away, at least twice.
copy_spool() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    copy_living "the spool" -u "$VORA_HOME/spool/." "$partial/spool/"
    [ "$tries" = 0 ] || [ -n "$changed" ] || break
  done
  [ "$tries" -lt 100 ] || fail "the spool changes faster than it can be copied" "try again when fewer events arrive"
  # Of one that was copied under several names the last name holds: .doubt, .sealed, .open, which is how they sort.
  (cd "$partial/spool" && find . -maxdepth 1 -type f -regextype posix-extended -regex '\./[0-9a-f]{16}\..*(open|sealed|doubt)' | LC_ALL=C sort |
    awk -F '[./]' 'seen[$3]++' | xargs -r rm -f) || fail "the copy of the spool cannot be put in order" "is the disk full?"
}

# The events that have arrived, without the batches that wait in the copy of the spool: those are inserted after a restore.
copy_events() {
  local url="http://127.0.0.1:$CLICKHOUSE_HTTP/?database=vora" columns file
  # 16 bytes after the first 32 of a segment (services/analytics-ingest/spool/spool_format.h).
  find "$partial/spool" -maxdepth 1 -type f \( -name '*.open' -o -name '*.sealed' -o -name '*.doubt' \) -print0 |
    perl -0 -ne 'chomp; my ($file, $batch); open($file, "<:raw", $_) or die "$_: $!\n"; seek($file, 32, 0);
      print unpack("H*", $batch), "\n" if read($file, $batch, 16) == 16' >"$partial/batches" ||
    fail "the copy of the spool cannot be read" "look at the disk, then try again"
  # Without `not_after`: it is the last moment of the insert that brought the row, and the table refuses rows whose moment is over.
  columns=$(clickhouse_query "SELECT arrayStringConcat(groupArray(name), ',') FROM system.columns WHERE database = 'vora' AND table = 'playback_events' AND default_kind = '' AND name != 'not_after'") &&
    [ -n "$columns" ] && echo "$columns" >"$partial/playback_events.columns" || fail "ClickHouse could not be read" "see $(log_file clickhouse)"
  # It answers when it has all of it: an error in the middle would look like an end.
  curl -fsS "$url&wait_end_of_query=1&batches_structure=batch%20String&query=SELECT%20$columns%20FROM%20playback_events%20WHERE%20NOT%20(batch%20IN%20batches)%20FORMAT%20Native" \
    -H "X-ClickHouse-User: default" -H "X-ClickHouse-Key: $(cat "$VORA_HOME/secrets/clickhouse")" -F "batches=@$partial/batches" -o "$partial/playback_events.native" ||
    fail "ClickHouse could not be read" "see $(log_file clickhouse)"
  rm -f "$partial/batches"
  # No insert of them was tried where they are going to be restored: nothing has to be waited for.
  for file in "$partial"/spool/*.doubt; do
    [ ! -e "$file" ] || mv "$file" "${file%.doubt}.sealed" || fail "the copy of the spool cannot be put in order" "is the disk full?"
  done
}

# 1. Both databases, as they are at one instant: an answer that one gave the other is in both or in neither.
say "databases"
said=$("$(postgres_bin)/pg_basebackup" -D "$partial/postgres" -X stream -c fast -d "$(postgres_url postgres)" 2>&1) ||
  fail "PostgreSQL could not be copied" "$(tail -n 3 <<<"$said")"

# 2. Objects, after the databases: they are written once, so every object that the databases speak of is there.
say "objects"
while read -r url; do
  case "$url" in
    file://*) copy_objects "${url#file://}" ;;
    *) warn "objects lie in $url: back the bucket up by its own means, after this" ;;
  esac
done < <(printf '%s\n' "$(storage_url RAW)" "$(storage_url PROCESSED)" | awk '!seen[$0]++')

# 3. Events: first those that wait in the spool, then those that have arrived, so that one on its way between them is in one of the two.
say "events"
mkdir -p "$partial/spool" || fail "$partial/spool cannot be written" "is the disk full?"
[ ! -d "$VORA_HOME/spool" ] || copy_spool
copy_events

cp -a "$VORA_HOME/secrets/." "$partial/secrets" || fail "the secrets could not be copied" "see $VORA_HOME/secrets"
# The list is written beside the folder and moved in, so that it never holds itself.
say "checking the copy"
(cd "$partial" && find . -type f ! -path './postgres/*' -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum) >"$partial.checksums" &&
  mv "$partial.checksums" "$partial/CHECKSUMS" || fail "the checksums could not be written" "is the disk full?"
check_backup "$partial"
# From here on it is a backup, whatever becomes of its name.
keep=yes
mv -T "$partial" "$target" || fail "$target could not be put into place" "the backup is whole and lies in $partial: move it where it belongs"
say "done: $(du -sh "$target" | cut -f1) in $target"
