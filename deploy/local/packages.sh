# shellcheck shell=bash
# shellcheck disable=SC2034  # the lists are read by who sources this
# Debian 12 packages that Vora needs, and how they get there. Sourced, not run.
#
# Packages that bring a system service (postgresql, varnish, nginx, ceph) are installed without starting it, and one that was not there
# before is left switched off: Vora runs private copies under its state folder.

BUILD_PACKAGES=(
  g++ cmake ninja-build mold ccache pkg-config git ca-certificates
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libabsl-dev
  libboost1.81-dev libcurl4-openssl-dev libssl-dev zlib1g-dev libexpat1-dev
  libpqxx-dev libpq-dev libspdlog-dev nlohmann-json3-dev prometheus-cpp-dev libcli11-dev
  libavformat-dev libavcodec-dev libavfilter-dev libavutil-dev libswscale-dev libswresample-dev
  libsimdjson-dev liblz4-dev libisal-dev libcjose-dev libjemalloc-dev librabbitmq-dev
  libseccomp-dev
  libgtest-dev libgmock-dev
  dpkg-dev file   # what CPack makes packages with
)
RUN_PACKAGES=(postgresql clickhouse-server varnish ffmpeg libseccomp2 curl jq iproute2 procps)
TEST_PACKAGES=(chromium rabbitmq-server python3-celery faketime prometheus radosgw ceph-mon ceph-osd ceph-common ceph-base podman catatonit runc netavark aardvark-dns iptables debootstrap docker-compose)
LINT_PACKAGES=(clang-format-14 clang-tidy-14 shellcheck)
FUZZ_PACKAGES=(clang-14 libclang-rt-14-dev)
BENCH_PACKAGES=(nginx-light wrk clickhouse-client)
# node and kubectl may have come another way; Debian's packages of them need not, or cannot, lie beside those.
command -v node >/dev/null && command -v npm >/dev/null || BUILD_PACKAGES+=(nodejs npm)
command -v kubectl >/dev/null || TEST_PACKAGES+=(kubernetes-client)

_missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs what is missing of the given packages; says what to do where it cannot.
ensure_packages() {
  local missing
  mapfile -t missing < <(_missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return 0
  local log="${VORA_HOME:-/tmp}/logs/packages.log"
  mkdir -p "$(dirname "$log")"
  if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    fail "these packages are missing: ${missing[*]}" "install them: sudo apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing ${#missing[@]} packages (log: $log): ${missing[*]}"
  local guard=/usr/sbin/policy-rc.d placed=no
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' | _as_root tee "$guard" >/dev/null
    _as_root chmod 755 "$guard"
    placed=yes
  fi
  local ok=yes
  {
    _as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
      _as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o Dpkg::Lock::Timeout=300 "${missing[@]}"
  } >"$log" 2>&1 </dev/null || ok=no
  [ "$placed" = yes ] && _as_root rm -f "$guard"
  if [ "$ok" = no ]; then
    tail -n 15 "$log" >&2
    fail "apt-get could not install: ${missing[*]}" "see $log; is this Debian 12 with a reachable package mirror?"
  fi
  local package
  for package in "${missing[@]}"; do
    case "$package" in
      postgresql) _as_root systemctl disable -q postgresql 2>/dev/null ;;
      clickhouse-server) _as_root systemctl disable -q clickhouse-server 2>/dev/null ;;
      varnish) _as_root systemctl disable -q varnish varnishncsa 2>/dev/null ;;
      prometheus) _as_root systemctl disable -q prometheus 2>/dev/null ;;
      rabbitmq-server) _as_root systemctl disable -q rabbitmq-server epmd.socket epmd 2>/dev/null ;;
      ceph-base) _as_root systemctl disable -q ceph.target ceph-crash rbdmap 2>/dev/null ;;
      nginx-light) _as_root systemctl disable -q nginx 2>/dev/null ;;
    esac
  done
  return 0
}
