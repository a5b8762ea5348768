# shellcheck shell=bash
# Whether a backup can be restored: asked at the end of a backup and before a restore. Sourced; needs stack.sh.

# check_backup FOLDER   ends the script with the reason where it is damaged
check_backup() {
  (cd "$1" && sha256sum --quiet -c CHECKSUMS) || fail "the backup in $1 is damaged" "the lines above name the files; look at the disk and make a new one, or take an older one"
  "$(postgres_bin)/pg_verifybackup" -q "$1/postgres" || fail "the databases in the backup $1 are damaged" "look at the disk and make a new one, or take an older one"
}
