# shellcheck shell=bash
# Starts PostgreSQL; the first time, makes the cluster in $PGDATA with the superuser POSTGRES_USER, and runs /docker-entrypoint-initdb.d/*.sql.
# The password is POSTGRES_PASSWORD, or stands in the file POSTGRES_PASSWORD_FILE.
set -euo pipefail

user=${POSTGRES_USER:-postgres}
password=${POSTGRES_PASSWORD:-}
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then password=$(cat "$POSTGRES_PASSWORD_FILE"); fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  [ -n "$password" ] || { echo "set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE" >&2; exit 1; }
  # Made elsewhere and then moved: a start that is interrupted begins anew.
  rm -rf "$PGDATA/new"
  initdb -D "$PGDATA/new" -U "$user" -A scram-sha-256 --pwfile=<(printf '%s\n' "$password") -E UTF8 --locale=C.UTF-8 >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/new/pg_hba.conf"
  export PGPASSWORD=$password
  pg_ctl -D "$PGDATA/new" -w -s start -o "-c listen_addresses= -c unix_socket_directories=/tmp"
  for file in /docker-entrypoint-initdb.d/*.sql; do
    [ -e "$file" ] || continue
    psql -X -q -v ON_ERROR_STOP=1 -h /tmp -U "$user" -d postgres -f "$file"
  done
  pg_ctl -D "$PGDATA/new" -w -s -m fast stop
  mv "$PGDATA/new/PG_VERSION" "$PGDATA/new/.version"
  find "$PGDATA/new" -mindepth 1 -maxdepth 1 -exec mv -t "$PGDATA" {} +
  rmdir "$PGDATA/new"
  mv "$PGDATA/.version" "$PGDATA/PG_VERSION"
fi
unset PGPASSWORD POSTGRES_PASSWORD password
# The lock of a server that was killed names a pid which is this server's own in the next container.
rm -f "$PGDATA/postmaster.pid"
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
