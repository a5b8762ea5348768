# shellcheck shell=bash
# Builds the programs and the pages. Sourced; needs stack.sh.

# build_all   release build of everything, and the console
build_all() {
  local log="$VORA_HOME/logs/build.log"
  mkdir -p "$VORA_HOME/logs"
  export CCACHE_BASEDIR="$VORA_ROOT" CCACHE_NOHASHDIR=1   # what one checkout has compiled serves another
  if [ ! -f "$VORA_BUILD/build.ninja" ]; then
    say "configuring the build"
    cmake -S "$VORA_ROOT" -B "$VORA_BUILD" --preset release >"$log" 2>&1 || {
      tail -n 20 "$log" >&2
      fail "the build could not be configured" "see $log"
    }
  fi
  say "building (the first time takes up to forty minutes on two cores)"
  # Progress on a terminal as ninja shows it; elsewhere a line every hundred steps.
  if [ -t 1 ]; then
    ninja -C "$VORA_BUILD" 2>&1 | tee "$log" | sed -u -n 's/^\(\[[0-9]*\/[0-9]*\]\).*/\1/p' | tr '\n' '\r'
    [ "${PIPESTATUS[0]}" = 0 ] || { echo; grep -A 20 -m 1 -E 'FAILED|error:' "$log" >&2; fail "the build failed" "see $log"; }
    echo
  else
    ninja -C "$VORA_BUILD" 2>&1 | tee "$log" | sed -u -n '/^\[[0-9]*00\/[0-9]*\]/s/\].*/]/p'
    [ "${PIPESTATUS[0]}" = 0 ] || { grep -A 20 -m 1 -E 'FAILED|error:' "$log" >&2; fail "the build failed" "see $log"; }
  fi
  build_console
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
