# shellcheck shell=bash
# The local stack: where it lives, which parts it has, how each is started, watched and stopped. Sourced by up.sh, down.sh and the tests.
#
# Environment: VORA_HOME (state folder, default .vora in the checkout), VORA_PORT_BASE (default 8080; all ports shift with it),
# VORA_STORAGE (default a local folder in VORA_HOME; VORA_STORAGE_RAW and VORA_STORAGE_PROCESSED for places of their own), VORA_BUILD (default
# build/release), VORA_PLAYBACK_TOKENS (on: playing needs a token), VORA_AMQP_URL (a broker: the bridge to it is started too).
# $VORA_HOME/settings/PART, NAME=VALUE a line, holds settings of a single daemon, which win over those that it is started with here.
# The package vora-local installs these scripts as vora-up and so on; VORA_HOME is ~/.local/state/vora there, and VORA_BUILD means nothing.

VORA_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# take_installed PREFIX   run what the packages have put below it
take_installed() { VORA_BIN="$1/bin" VORA_CONSOLE="$1/share/vora/console"; }
if [ -f "$VORA_ROOT/CMakeLists.txt" ]; then
  VORA_INSTALLED=no
  VORA_HOME="${VORA_HOME:-$VORA_ROOT/.vora}"
  VORA_BUILD="${VORA_BUILD:-$VORA_ROOT/build/release}"
  VORA_BIN="$VORA_BUILD/bin" VORA_CONSOLE="$VORA_ROOT/services/console/dist" VORA_VCL="$VORA_ROOT/deploy/varnish/default.vcl.in"
else
  VORA_INSTALLED=yes
  VORA_HOME="${VORA_HOME:-${XDG_STATE_HOME:-${HOME:?}/.local/state}/vora}"
  VORA_VCL="$VORA_ROOT/vora/local/default.vcl.in"
  take_installed "${VORA_ROOT%/share}"
fi
VORA_PORT_BASE="${VORA_PORT_BASE:-8080}"
VORA_LOG_LEVEL="${VORA_LOG_LEVEL:-info}"
VORA_AUTH="${VORA_AUTH:-none}"   # everything listens on loopback only; `jwt` needs VORA_JWT_* and VORA_FLEET_SECRET in the environment
export VORA_HOME VORA_PORT_BASE

say() { printf '==> %s\n' "$*"; }
warn() { printf 'vora: %s\n' "$*" >&2; }
# fail WHAT WHAT_TO_DO
fail() {
  printf 'vora: %s\n' "$1" >&2
  [ -n "${2:-}" ] && printf '      what to do: %s\n' "$2" >&2
  exit 1
}

# script NAME   as people type it
script() { if [ $VORA_INSTALLED = yes ]; then echo "vora-$1"; else echo "deploy/local/$1.sh"; fi; }

port() { echo $((VORA_PORT_BASE + $1)); }   # port OFFSET
EDGE_PORT=$(port 0)
UPLOAD_HTTP=$(port 1) METADATA_HTTP=$(port 2) GATEWAY_HTTP=$(port 3) ANALYTICS_HTTP=$(port 4)
UPLOAD_GRPC=$(port 1001) METADATA_GRPC=$(port 1002) GATEWAY_GRPC=$(port 1003) ANALYTICS_GRPC=$(port 1004) ORCHESTRATOR_GRPC=$(port 1005) WORKER_GRPC=$(port 1006) AMQP_GRPC=$(port 1008)
UPLOAD_ADMIN=$(port 1101) METADATA_ADMIN=$(port 1102) GATEWAY_ADMIN=$(port 1103) ANALYTICS_ADMIN=$(port 1104) ORCHESTRATOR_ADMIN=$(port 1105) WORKER_ADMIN=$(port 1106) AMQP_ADMIN=$(port 1108)
POSTGRES_PORT=$(port 1200) CLICKHOUSE_HTTP=$(port 1201) CLICKHOUSE_TCP=$(port 1202)
EDGE_URL="http://127.0.0.1:$EDGE_PORT"
UPLOAD_URL="http://127.0.0.1:$UPLOAD_HTTP/files/"

# In the order in which they start, and are replaced by another version (docs/operations.md); stopped the other way round.
# shellcheck disable=SC2034  # read by who sources this
STACK_PARTS=(postgres clickhouse orchestrator transcode-worker metadata upload analytics-ingest streaming-gateway varnish)

part_port() {
  case "$1" in
    postgres) echo "$POSTGRES_PORT" ;;
    clickhouse) echo "$CLICKHOUSE_HTTP $CLICKHOUSE_TCP" ;;
    orchestrator) echo "$ORCHESTRATOR_GRPC $ORCHESTRATOR_ADMIN" ;;
    metadata) echo "$METADATA_HTTP $METADATA_GRPC $METADATA_ADMIN" ;;
    upload) echo "$UPLOAD_HTTP $UPLOAD_GRPC $UPLOAD_ADMIN" ;;
    transcode-worker) echo "$WORKER_GRPC $WORKER_ADMIN" ;;
    streaming-gateway) echo "$GATEWAY_HTTP $GATEWAY_GRPC $GATEWAY_ADMIN" ;;
    analytics-ingest) echo "$ANALYTICS_HTTP $ANALYTICS_GRPC $ANALYTICS_ADMIN" ;;
    varnish) echo "$EDGE_PORT" ;;
    amqp) echo "$AMQP_GRPC $AMQP_ADMIN" ;;
  esac
}

# The daemons' last port is the admin one.
admin_port() { local ports; read -r -a ports < <(part_port "$1"); echo "${ports[-1]}"; }

pid_file() { echo "$VORA_HOME/run/$1.pid"; }
log_file() { echo "$VORA_HOME/logs/$1.log"; }

# The pid of a running part, or nothing. A pid file left by a crash, or a pid that now belongs to another program, does not count.
part_pid() {
  local file pid started
  file=$(pid_file "$1")
  [ -r "$file" ] || return 1
  read -r pid started <"$file" || return 1
  [ -n "$pid" ] && [ -d "/proc/$pid" ] || return 1
  [ "$(process_start "$pid")" = "$started" ] || return 1
  grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null && return 1
  echo "$pid"
}

# When the process began, in clock ticks since boot: with the pid it names a process for ever.
process_start() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# Refuses when one of the part's ports is taken, and says by whom.
check_ports() {
  local port holder
  for port in $(part_port "$1"); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      holder=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*users:((\(.*\)))/\1/p' | head -n 1)
      fail "port $port, which $1 needs, is used already${holder:+ by $holder}" \
        "stop that program, or move the whole stack: VORA_PORT_BASE=$((VORA_PORT_BASE + 2000)) $0"
    fi
  done
}

# launch PART COMMAND...   in the background, in a session of its own, logging to the part's log.
launch() {
  local part=$1
  shift
  mkdir -p "$VORA_HOME/run" "$VORA_HOME/logs"
  # shellcheck disable=SC2016  # the inner shell's own
  setsid -f bash -c 'echo $$ >"$1.starting"; shift; exec "$@"' _ "$(pid_file "$part")" "$@" >>"$(log_file "$part")" 2>&1 </dev/null
  local tries=0
  until [ -s "$(pid_file "$part").starting" ]; do
    tries=$((tries + 1))
    [ "$tries" -gt 500 ] && fail "$part could not be launched" "see $(log_file "$part")"
    read -r -t 0.01 <> <(:) || true
  done
  local pid
  read -r pid <"$(pid_file "$part").starting"
  echo "$pid $(process_start "$pid")" >"$(pid_file "$part")"
  rm -f "$(pid_file "$part").starting"
}

# wait_until PART SECONDS COMMAND...   until the command succeeds; fails as soon as the part has died.
wait_until() {
  local part=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! part_pid "$part" >/dev/null; then
      warn "$part stopped while it started; the end of $(log_file "$part"):"
      tail -n 12 "$(log_file "$part")" >&2
      fail "$part did not start" "the log above says why; --print-config of its program shows its settings"
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      tail -n 12 "$(log_file "$part")" >&2
      fail "$part is not ready after a minute" "see $(log_file "$part")"
    fi
    read -r -t 0.1 <> <(:) || true
  done
}

is_ready() { curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$1/readyz"; }

# PostgreSQL refuses to run as root. The capability lets its user through private parent folders to its own data.
POSTGRES_AS=()
if [ "$(id -u)" = 0 ]; then
  POSTGRES_AS=(setpriv --reuid=postgres --regid=postgres --init-groups)
  # Not to be had in every container; then the folders above VORA_HOME must let everybody through.
  if setpriv --inh-caps=+dac_read_search --ambient-caps=+dac_read_search true 2>/dev/null; then
    POSTGRES_AS+=(--inh-caps=+dac_read_search --ambient-caps=+dac_read_search)
  fi
fi

postgres_bin() {
  local folder
  for folder in /usr/lib/postgresql/*/bin; do
    [ -x "$folder/postgres" ] && echo "$folder" && return
  done
  fail "PostgreSQL is not installed" "apt-get install postgresql"
}

# make_secret NAME   a random password in secrets/NAME, once
make_secret() {
  mkdir -p "$VORA_HOME/secrets" && chmod 700 "$VORA_HOME/secrets"
  [ -s "$VORA_HOME/secrets/$1" ] || (umask 077 && head -c 18 /dev/urandom | base64 | tr -d '+/=\n' >"$VORA_HOME/secrets/$1")
}

postgres_ready() { "$(postgres_bin)/pg_isready" -q -h 127.0.0.1 -p "$POSTGRES_PORT" -U vora -d postgres; }

start_postgres() {
  local bin data="$VORA_HOME/postgres" secret="$VORA_HOME/secrets/postgres"
  bin=$(postgres_bin)
  make_secret postgres
  if [ ! -s "$data/PG_VERSION" ]; then
    rm -rf "$data.new" "$data" && mkdir -p "$data.new"
    (umask 077 && cp "$secret" "$data.password")
    [ "$(id -u)" = 0 ] && chown postgres:postgres "$data.new" "$data.password"
    "${POSTGRES_AS[@]}" "$bin/initdb" -D "$data.new" -U vora -A scram-sha-256 --pwfile="$data.password" -E UTF8 --locale=C.UTF-8 \
      >>"$(log_file postgres)" 2>&1 </dev/null ||
      fail "initdb failed" "see $(log_file postgres); if it cannot reach $data, set VORA_HOME to a folder that user postgres can reach"
    rm -f "$data.password"
    mv "$data.new" "$data"
  fi
  check_ports postgres
  launch postgres "${POSTGRES_AS[@]}" "$bin/postgres" -D "$data" \
    -c listen_addresses=127.0.0.1 -c port="$POSTGRES_PORT" -c unix_socket_directories= -c max_connections=200 \
    -c log_checkpoints=off -c log_line_prefix='%m [%p] '
  wait_until postgres 60 postgres_ready
  local name
  for name in vora_metadata vora_orchestrator; do
    postgres_query "SELECT 1 FROM pg_database WHERE datname = '$name'" | grep -q 1 || postgres_query "CREATE DATABASE $name" >/dev/null
  done
}

postgres_url() { echo "postgresql://vora:$(cat "$VORA_HOME/secrets/postgres")@127.0.0.1:$POSTGRES_PORT/$1"; }
postgres_query() { "$(postgres_bin)/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$(postgres_url "${2:-postgres}")" -c "$1"; }

# Sized for a laptop. Serves loopback only; nothing of the package's own configuration is read.
write_clickhouse_config() {
  local home=$1 digest
  digest=$(tr -d '\n' <"$VORA_HOME/secrets/clickhouse" | sha256sum | cut -d' ' -f1)
  cat >"$home/config.xml" <<EOF
<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>$CLICKHOUSE_HTTP</http_port>
  <tcp_port>$CLICKHOUSE_TCP</tcp_port>
  <path>$home/data/</path>
  <tmp_path>$home/tmp/</tmp_path>
  <user_files_path>$home/user_files/</user_files_path>
  <format_schema_path>$home/format_schemas/</format_schema_path>
  <mark_cache_size>67108864</mark_cache_size>
  <max_concurrent_queries>100</max_concurrent_queries>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
</yandex>
EOF
  (umask 077 && cat >"$home/users.xml") <<EOF
<?xml version="1.0"?>
<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage><max_threads>4</max_threads><background_pool_size>4</background_pool_size></default></profiles>
  <users>
    <default>
      <password_sha256_hex>$digest</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
  <quotas><default/></quotas>
</yandex>
EOF
}

start_clickhouse() {
  local home="$VORA_HOME/clickhouse" program
  program=$(command -v clickhouse-server || echo /usr/sbin/clickhouse-server)
  [ -x "$program" ] || fail "ClickHouse is not installed" "apt-get install clickhouse-server"
  make_secret clickhouse
  mkdir -p "$home/data" "$home/tmp" "$home/user_files" "$home/format_schemas" && chmod 700 "$home"
  write_clickhouse_config "$home"
  check_ports clickhouse
  launch clickhouse "$program" --config-file="$home/config.xml"
  wait_until clickhouse 60 curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$CLICKHOUSE_HTTP/ping"
}

# clickhouse_query SQL
clickhouse_query() {
  curl -fsS "http://127.0.0.1:$CLICKHOUSE_HTTP/?database=vora" -H "X-ClickHouse-User: default" -H "X-ClickHouse-Key: $(cat "$VORA_HOME/secrets/clickhouse")" --data-binary "$1"
}

# Sets CLICKHOUSE_SETTINGS, of every daemon that talks to it.
clickhouse_settings() {
  CLICKHOUSE_SETTINGS=(VORA_CLICKHOUSE_URL="http://127.0.0.1:$CLICKHOUSE_HTTP" VORA_CLICKHOUSE_DATABASE=vora
    VORA_CLICKHOUSE_PASSWORD="$(cat "$VORA_HOME/secrets/clickhouse")")
}

# start_daemon PART NAME=VALUE...   one of our programs
start_daemon() {
  local part=$1 program="$VORA_BIN/vora-$1" remedy="run deploy/local/build.sh"
  shift
  [ $VORA_INSTALLED = no ] || remedy="install the package vora-$part"
  [ -x "$program" ] || fail "$program is not there" "$remedy"
  check_ports "$part"
  local own=()
  [ ! -r "$VORA_HOME/settings/$part" ] || readarray -t own <"$VORA_HOME/settings/$part"
  launch "$part" env "VORA_LOG_LEVEL=$VORA_LOG_LEVEL" "VORA_AUTH=$VORA_AUTH" "$@" "${own[@]}" "$program"
  wait_until "$part" 60 is_ready "$(admin_port "$part")"
}

start_orchestrator() {
  start_daemon orchestrator VORA_DATABASE_URL="$(postgres_url vora_orchestrator)" \
    VORA_GRPC_LISTEN="127.0.0.1:$ORCHESTRATOR_GRPC" VORA_ADMIN_LISTEN="127.0.0.1:$ORCHESTRATOR_ADMIN"
}

# storage_url ROOT   where RAW or PROCESSED lies: VORA_STORAGE_RAW or VORA_STORAGE_PROCESSED, else VORA_STORAGE
storage_url() { local variable="VORA_STORAGE_$1"; echo "${!variable:-$VORA_STORAGE}"; }

# storage_settings ROOT...   sets STORAGE_SETTINGS of a part that uses these roots. What belongs to the other one is taken out of its environment,
# and so is what belongs to both once each of these has its own.
storage_settings() {
  local root name value url=no keys=no keyed=(CREDENTIALS ACCESS_KEY SECRET_KEY SESSION_TOKEN ROLE_ARN)
  STORAGE_SETTINGS=()
  for root in RAW PROCESSED; do
    if [[ " $* " != *" $root "* ]]; then
      STORAGE_SETTINGS+=("VORA_STORAGE_$root=" "${keyed[@]/#/VORA_S3_${root}_}")
      continue
    fi
    name="VORA_STORAGE_$root" value=''
    [ -n "${!name:-}" ] || url=yes
    for name in "${keyed[@]/#/VORA_S3_${root}_}"; do value+="${!name:-}"; done
    [ -n "$value" ] || keys=yes
  done
  [ $keys = yes ] || STORAGE_SETTINGS+=("${keyed[@]/#/VORA_S3_}" AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN)
  # A name alone becomes an empty value, which counts as unset.
  for name in "${!STORAGE_SETTINGS[@]}"; do
    value=${STORAGE_SETTINGS[name]}
    STORAGE_SETTINGS[name]="${value%=}="
  done
  if [ $url = yes ]; then STORAGE_SETTINGS+=("VORA_STORAGE=$VORA_STORAGE"); else STORAGE_SETTINGS+=("VORA_STORAGE="); fi
}

# Sets PLAYBACK_SETTINGS, of what signs and what checks playback tokens: VORA_PLAYBACK_TOKENS=on switches them on.
playback_settings() {
  PLAYBACK_SETTINGS=(VORA_PLAYBACK_TOKENS=off)
  [ "${VORA_PLAYBACK_TOKENS:-off}" = on ] || return 0
  make_secret playback
  PLAYBACK_SETTINGS=(VORA_PLAYBACK_TOKENS=on "VORA_PLAYBACK_KEYS=${VORA_PLAYBACK_KEYS:-local:$(cat "$VORA_HOME/secrets/playback")}")
}

start_metadata() {
  clickhouse_settings
  playback_settings
  local fleet="orchestrator=127.0.0.1:$ORCHESTRATOR_GRPC,upload=127.0.0.1:$UPLOAD_GRPC,transcode-worker=127.0.0.1:$WORKER_GRPC"
  fleet+=",streaming-gateway=127.0.0.1:$GATEWAY_GRPC,analytics-ingest=127.0.0.1:$ANALYTICS_GRPC"
  start_daemon metadata "${CLICKHOUSE_SETTINGS[@]}" "${PLAYBACK_SETTINGS[@]}" VORA_DATABASE_URL="$(postgres_url vora_metadata)" \
    VORA_ORCHESTRATOR="127.0.0.1:$ORCHESTRATOR_GRPC" VORA_UPLOAD="127.0.0.1:$UPLOAD_GRPC" VORA_ANALYTICS="127.0.0.1:$ANALYTICS_GRPC" \
    VORA_FLEET="$fleet" VORA_UPLOAD_PUBLIC_URL="$UPLOAD_URL" VORA_PUBLIC_URL="$EDGE_URL" VORA_CONSOLE_DIR="$VORA_CONSOLE" \
    VORA_HTTP_LISTEN="127.0.0.1:$METADATA_HTTP" VORA_GRPC_LISTEN="127.0.0.1:$METADATA_GRPC" VORA_ADMIN_LISTEN="127.0.0.1:$METADATA_ADMIN"
}
start_upload() {
  storage_settings RAW
  start_daemon upload "${STORAGE_SETTINGS[@]}" VORA_UPLOAD_LISTENERS="127.0.0.1:$METADATA_GRPC" \
    VORA_HTTP_LISTEN="127.0.0.1:$UPLOAD_HTTP" VORA_GRPC_LISTEN="127.0.0.1:$UPLOAD_GRPC" VORA_ADMIN_LISTEN="127.0.0.1:$UPLOAD_ADMIN"
}
start_transcode-worker() {
  storage_settings RAW PROCESSED
  start_daemon transcode-worker "${STORAGE_SETTINGS[@]}" VORA_ORCHESTRATOR="127.0.0.1:$ORCHESTRATOR_GRPC" \
    VORA_GRPC_LISTEN="127.0.0.1:$WORKER_GRPC" VORA_ADMIN_LISTEN="127.0.0.1:$WORKER_ADMIN"
}
start_analytics-ingest() {
  clickhouse_settings
  make_secret viewers
  mkdir -p "$VORA_HOME/spool"
  start_daemon analytics-ingest "${CLICKHOUSE_SETTINGS[@]}" VORA_SPOOL_DIR="$VORA_HOME/spool" \
    VORA_VIEWER_SECRET="$(cat "$VORA_HOME/secrets/viewers")" \
    VORA_HTTP_LISTEN="127.0.0.1:$ANALYTICS_HTTP" VORA_GRPC_LISTEN="127.0.0.1:$ANALYTICS_GRPC" VORA_ADMIN_LISTEN="127.0.0.1:$ANALYTICS_ADMIN"
}
start_streaming-gateway() {
  playback_settings
  storage_settings PROCESSED
  make_secret edge
  start_daemon streaming-gateway "${PLAYBACK_SETTINGS[@]}" VORA_EDGE_SECRET="$(cat "$VORA_HOME/secrets/edge")" \
    "${STORAGE_SETTINGS[@]}" VORA_METADATA="127.0.0.1:$METADATA_GRPC" VORA_ANALYTICS="127.0.0.1:$ANALYTICS_GRPC" \
    VORA_HTTP_LISTEN="127.0.0.1:$GATEWAY_HTTP" VORA_GRPC_LISTEN="127.0.0.1:$GATEWAY_GRPC" VORA_ADMIN_LISTEN="127.0.0.1:$GATEWAY_ADMIN"
}

# The broker and what else is to be said of it are the caller's: VORA_AMQP_*, and VORA_TOKEN where auth is on.
start_amqp() {
  start_daemon amqp VORA_METADATA="127.0.0.1:$METADATA_GRPC" VORA_GRPC_LISTEN="127.0.0.1:$AMQP_GRPC" VORA_ADMIN_LISTEN="127.0.0.1:$AMQP_ADMIN"
}

start_varnish() {
  local vcl="$VORA_HOME/varnish/default.vcl" program
  program=$(command -v varnishd || echo /usr/sbin/varnishd)
  [ -x "$program" ] || fail "Varnish is not installed" "apt-get install varnish"
  make_secret edge
  mkdir -p "$VORA_HOME/varnish" && chmod 700 "$VORA_HOME/varnish"
  sed -e "s/@GATEWAY_HOST@/127.0.0.1/g; s/@GATEWAY_PORT@/$GATEWAY_HTTP/g; s/@METADATA_HOST@/127.0.0.1/g; s/@METADATA_PORT@/$METADATA_HTTP/g" \
    -e "s/@ANALYTICS_HOST@/127.0.0.1/g; s/@ANALYTICS_PORT@/$ANALYTICS_HTTP/g; s/@UPLOAD_PORT@/$UPLOAD_HTTP/g" \
    -e "s/@EDGE_SECRET@/$(cat "$VORA_HOME/secrets/edge")/g" \
    "$VORA_VCL" >"$vcl"
  check_ports varnish
  launch varnish "$program" -F -j none -n "$VORA_HOME/varnish/work" -a "127.0.0.1:$EDGE_PORT" -f "$vcl" -s malloc,256m \
    -p vsl_mask=-ReqURL,-ReqHeader,-ReqUnset,-BereqHeader,-BereqUnset
  wait_until varnish 60 curl -fsS -m 2 -o /dev/null "$EDGE_URL/v1/config"
}

# True when the part runs a program that has been built or installed anew since, or one of ours that lies elsewhere than what would be started.
is_outdated() {
  local pid program="$VORA_BIN/vora-$1"
  pid=$(part_pid "$1") || return 1
  if [ -x "$program" ]; then ! [ "/proc/$pid/exe" -ef "$program" ]; return; fi
  case "$(readlink "/proc/$pid/exe" 2>/dev/null)" in *"(deleted)") return 0 ;; *) return 1 ;; esac
}

# stop_part PART   SIGTERM (PostgreSQL: fast shutdown), then SIGKILL after 40 s
stop_part() {
  local pid signal=TERM deadline=$((SECONDS + 40))
  pid=$(part_pid "$1") || { rm -f "$(pid_file "$1")"; return 0; }
  [ "$1" = postgres ] && signal=INT
  kill -s "$signal" "$pid" 2>/dev/null
  while part_pid "$1" >/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      warn "$1 did not stop within 40 s and is killed; see $(log_file "$1")"
      kill -s KILL -- "-$pid" 2>/dev/null || kill -s KILL "$pid" 2>/dev/null
      break
    fi
    read -r -t 0.05 <> <(:) || true
  done
  rm -f "$(pid_file "$1")"
}

# start_part PART   unless it runs already
start_part() {
  if is_outdated "$1"; then
    say "$1 runs an old program: restarting it"
    stop_part "$1"
  fi
  if part_pid "$1" >/dev/null; then return 0; fi
  say "starting $1"
  "start_$1"
}

# A part only where there is a broker, or it runs still.
if [ -n "${VORA_AMQP_URL:-}" ] || part_pid amqp >/dev/null; then STACK_PARTS+=(amqp); fi
