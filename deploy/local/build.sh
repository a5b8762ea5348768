#!/usr/bin/env bash
# Builds the programs, the pages, and Debian packages of them. Run, or sourced for its functions; those need stack.sh.

# build_programs   release build of the programs, and the console: what a stack runs
build_programs() { _compile programs && build_console; }

# build_all   that, the tests and the benchmarks
build_all() { _compile all && build_console; }

_compile() {
  local target=$1 log="$VORA_HOME/logs/build.log"
  mkdir -p "$VORA_HOME/logs"
  export CCACHE_BASEDIR="$VORA_ROOT" CCACHE_NOHASHDIR=1   # what one checkout has compiled serves another
  if [ ! -f "$VORA_BUILD/build.ninja" ]; then
    say "configuring the build"
    cmake -S "$VORA_ROOT" -B "$VORA_BUILD" --preset release >"$log" 2>&1 || {
      tail -n 20 "$log" >&2
      fail "the build could not be configured" "see $log"
    }
  fi
  say "compiling (log: $log)"
  NINJA_STATUS='[%f %t %e] ' ninja -C "$VORA_BUILD" "$target" 2>&1 | tee "$log" | _show_progress
  [ "${PIPESTATUS[0]}" = 0 ] || { grep -A 20 -m 1 -E 'FAILED|error:' "$log" >&2; fail "the build failed" "see $log"; }
}

# Reads ninja's lines `[DONE TOTAL SECONDS] ...` and says in words how far it is: always on one line of a terminal, elsewhere every ten seconds.
_show_progress() {
  local line step total seconds now shown=0 text='' terminal=no
  [ -t 1 ] && terminal=yes
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)\ ([0-9]+)\ ([0-9]+)\.[0-9]+\] ]] || continue
    step=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]} seconds=${BASH_REMATCH[3]} now=$SECONDS
    [ "$total" -gt 3 ] || continue   # there was nothing to do
    text="step $step of $total, $((step * 100 / total)) %$(_time_left "$step" "$total" "$seconds")"
    if [ $terminal = yes ]; then
      printf '\r    %-60s' "$text"
    elif [ $((now - shown)) -ge 10 ] || [ "$step" = "$total" ]; then
      shown=$now
      printf '    %s\n' "$text"
    fi
  done
  if [ $terminal = yes ] && [ -n "$text" ]; then echo; fi
}

# Steps differ in length: it is told roughly, and not before there is something to go by.
_time_left() {
  [ "$3" -ge 10 ] && [ "$1" -lt "$2" ] || return 0
  local left=$(($3 * ($2 - $1) / $1))
  if [ $left -ge 90 ]; then echo ", about $(((left + 30) / 60)) min left"; else echo ", less than 2 min left"; fi
}

# npm_install FOLDER   what its package-lock.json names, when that has changed since the last time
npm_install() {
  local stamp="$1/node_modules/.vora-lock"
  cmp -s "$1/package-lock.json" "$stamp" && return 0
  say "installing npm packages for ${1#"$VORA_ROOT"/}"
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) >>"$VORA_HOME/logs/npm.log" 2>&1 || {
    tail -n 15 "$VORA_HOME/logs/npm.log" >&2
    fail "npm could not install the packages of $1" "see $VORA_HOME/logs/npm.log; is the npm registry reachable?"
  }
  cp "$1/package-lock.json" "$stamp"
}

build_console() {
  local console="$VORA_ROOT/services/console"
  npm_install "$console"
  (cd "$console" && npm run --silent build) >>"$VORA_HOME/logs/npm.log" 2>&1 || {
    tail -n 15 "$VORA_HOME/logs/npm.log" >&2
    fail "the console could not be built" "see $VORA_HOME/logs/npm.log"
  }
}

# build_packages   Debian packages of what is built, in build/packages; made anew when something in them has changed
build_packages() {
  local folder="$VORA_ROOT/build/packages" log="$VORA_HOME/logs/deb.log" staging sum
  [ -f "$VORA_BUILD/CPackConfig.cmake" ] && [ -x "$VORA_BUILD/bin/vora" ] && [ -f "$VORA_ROOT/services/console/dist/index.html" ] ||
    fail "the programs and pages are not built" "run deploy/local/build.sh"
  sum=$(cd "$VORA_ROOT" && find cmake deploy/local deploy/varnish services/console/dist "$VORA_BUILD/CPackConfig.cmake" "$VORA_BUILD"/bin/vora* -type f \
    ! -name '*_test' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  [ "$sum" != "$(cat "$folder/.made-of" 2>/dev/null)" ] || return 0
  say "making Debian packages (log: $log)"
  mkdir -p "$VORA_HOME/logs"
  staging=$(mktemp -d "$VORA_ROOT/build/.packages-XXXXXX") || fail "$VORA_ROOT/build cannot be written" "whose folder is it?"
  # One time for every file, that of the commit: the same programs give the same packages.
  (umask 022 && SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$VORA_ROOT" log -1 --format=%ct 2>/dev/null || echo 0)}" cpack --config "$VORA_BUILD/CPackConfig.cmake" -B "$staging") >"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    rm -rf "$staging"
    fail "the packages could not be made" "see $log"
  }
  rm -rf "$folder" && mkdir -p "$folder" && mv "$staging"/*.deb "$folder/" && rm -rf "$staging" && echo "$sum" >"$folder/.made-of" ||
    fail "$folder cannot be written" "is the disk full?"
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
set -uo pipefail
. "$(dirname "$0")/stack.sh"
. "$(dirname "$0")/packages.sh"

usage() {
  cat <<'EOF'
Usage: deploy/local/build.sh [--deb]

Installs the Debian packages that are missing, then builds the programs (into build/release/bin) and the pages (into services/console/dist).
Only what has changed since the last time is compiled.

  --deb   also make Debian packages, in build/packages: one for each program, vora-console with the pages, and vora-local, which brings all
          of them and the commands vora-up, vora-down, vora-backup and vora-restore
  --help  this text

Environment: VORA_BUILD (default build/release), VORA_HOME (default .vora; the logs are below it).
EOF
}

deb=no
for argument in "$@"; do
  case "$argument" in
    --deb) deb=yes ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail "unknown argument: $argument" ;;
  esac
done
mkdir -p "$VORA_HOME/logs" || fail "$VORA_HOME cannot be written" "choose another folder with VORA_HOME"
ensure_packages "${BUILD_PACKAGES[@]}"
build_programs
if [ "$deb" = no ]; then
  say "built: $VORA_BIN; deploy/local/up.sh starts them"
else
  build_packages
  say "built: $(cd "$VORA_ROOT/build/packages" && echo *.deb | wc -w) packages in $VORA_ROOT/build/packages"
  printf '    install all on this machine or another Debian 12: apt-get install ./build/packages/*.deb; then start them: vora-up\n'
fi
