# shellcheck shell=bash
# Whether a backup can be restored: asked at the end of a backup and before a restore. Sourced; needs stack.sh.

# What CHECKSUMS names, and what it has to name: every file but itself and those of PostgreSQL, which has a manifest of its own.
listed_files() { sed -E 's/^\\?[0-9a-f]{64} [ *]//' "$1/CHECKSUMS" | LC_ALL=C sort; }
files_to_list() { (cd "$1" && find . ! -type d ! -path './postgres/*' ! -path ./CHECKSUMS | sed 's/\\/\\\\/g' | LC_ALL=C sort); }

# check_backup FOLDER   ends the script with the reason where it cannot be restored
check_backup() {
  local again='make a new one, or take an older one' unlisted
  [ -s "$1/CHECKSUMS" ] || fail "the backup in $1 has no list of its files" "$again"
  if listed_files "$1" | grep -xF ./CHECKSUMS >/dev/null; then
    fail "the list of the backup in $1 names itself, as earlier versions of backup.sh let it" \
      "$(printf "make a new one; if this is all you have, take that line out and try again: sed -i '/ [.]\/CHECKSUMS$/d' %q" "$1/CHECKSUMS")"
  fi
  unlisted=$(comm -13 <(listed_files "$1") <(files_to_list "$1") | head -n 5)
  [ -z "$unlisted" ] || fail "the list of the backup in $1 leaves files out: ${unlisted//$'\n'/, }" "nothing vouches for them: $again"
  (cd "$1" && sha256sum --quiet --strict -c CHECKSUMS) ||
    fail "the backup in $1 is damaged" "the lines above name the files; look at the disk and $again"
  "$(postgres_bin)/pg_verifybackup" -q "$1/postgres" || fail "the databases in the backup $1 are damaged" "look at the disk and $again"
}
