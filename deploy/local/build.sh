# shellcheck shell=bash
# Builds the programs and the pages. Sourced; needs stack.sh.

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
  local line done total seconds now shown=0 text='' terminal=no
  [ -t 1 ] && terminal=yes
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)\ ([0-9]+)\ ([0-9]+)\.[0-9]+\] ]] || continue
    done=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]} seconds=${BASH_REMATCH[3]} now=$SECONDS
    [ "$total" -gt 3 ] || continue   # there was nothing to do
    text="step $done of $total, $((done * 100 / total)) %$(_time_left "$done" "$total" "$seconds")"
    if [ $terminal = yes ]; then
      printf '\r    %-60s' "$text"
    elif [ $((now - shown)) -ge 10 ] || [ "$done" = "$total" ]; then
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
