# shellcheck shell=bash
# Starts ClickHouse 18.16 with one user, CLICKHOUSE_USER with the password CLICKHOUSE_PASSWORD, sized for a small machine.
set -euo pipefail

user=${CLICKHOUSE_USER:-default}
digest=$(printf '%s' "${CLICKHOUSE_PASSWORD:?set CLICKHOUSE_PASSWORD}" | sha256sum | cut -d' ' -f1)
unset CLICKHOUSE_PASSWORD
data=/var/lib/clickhouse
mkdir -p /tmp/clickhouse "$data/data" "$data/tmp" "$data/user_files" "$data/format_schemas"
cat >/tmp/clickhouse/config.xml <<CONFIG
<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>0.0.0.0</listen_host>
  <http_port>8123</http_port>
  <tcp_port>9000</tcp_port>
  <path>$data/data/</path>
  <tmp_path>$data/tmp/</tmp_path>
  <user_files_path>$data/user_files/</user_files_path>
  <format_schema_path>$data/format_schemas/</format_schema_path>
  <mark_cache_size>67108864</mark_cache_size>
  <max_concurrent_queries>100</max_concurrent_queries>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
</yandex>
CONFIG
(umask 077 && cat >/tmp/clickhouse/users.xml) <<USERS
<?xml version="1.0"?>
<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage><max_threads>4</max_threads><background_pool_size>4</background_pool_size></default></profiles>
  <users>
    <$user>
      <password_sha256_hex>$digest</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </$user>
  </users>
  <quotas><default/></quotas>
</yandex>
USERS
exec clickhouse-server --config-file=/tmp/clickhouse/config.xml
