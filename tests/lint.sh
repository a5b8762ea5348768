#!/usr/bin/env bash
# What reads Vora's sources instead of running them. Ends with a line `N passed, N failed`, one for each check.
set -uo pipefail
. "$(dirname "$0")/../deploy/local/stack.sh"
. "$VORA_ROOT/deploy/local/packages.sh"
. "$VORA_ROOT/deploy/local/build.sh"

usage() {
  cat <<'EOF'
Usage: tests/lint.sh [BASE]

  clang-format 14  every C++ file
  clang-tidy 14    C++ files that differ from BASE
  eslint           the console
  shellcheck       every script
  buf              the contracts in proto/: their style, and that they did not break what BASE promised

BASE is a commit; without it, where this branch left origin/main, or HEAD~1 where there is none. Settings: .clang-format, .clang-tidy,
services/console/eslint.config.js, .shellcheckrc, proto/buf.yaml. VORA_LINT_TIDY_FILES: how many files clang-tidy reads at most, at 10 to 30
seconds each (default: all that differ).
EOF
}

case "${1:-}" in --help | -h) usage; exit 0 ;; -*) usage >&2; fail "unknown argument: $1" ;; esac
cd "$VORA_ROOT" || exit 1
mkdir -p "$VORA_HOME/logs"
temporary=$(mktemp -d) || exit 1
trap 'rm -rf "$temporary"' EXIT

# The commit that changes are counted from; empty: there is none.
find_base() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null)
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then base=$(git rev-parse -q --verify HEAD~1); fi
  echo "$base"
}
if [ -n "${1:-}" ]; then
  base=$(git rev-parse -q --verify "$1^{commit}") || fail "$1 is no commit here" "name one: tests/lint.sh HEAD~3"
else
  base=$(find_base)
fi

passed=0 failed=0
# check NAME COMMAND...   its output is shown only when it fails
check() {
  local name=$1 log="$temporary/log"
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    say "$name: ok"
  else
    failed=$((failed + 1))
    say "$name: failed"
    head -n 200 "$log"
  fi
}

tracked() { git ls-files -z -- "$@"; }

format() { tracked '*.cc' '*.h' | xargs -0 -n 100 clang-format-14 --dry-run -Werror; }

# The build compiles the files of a folder together; clang-tidy reads one after the other.
lint_build="$VORA_ROOT/build/lint"
configure() { cmake -S "$VORA_ROOT" -B "$lint_build" --preset release -DVORA_UNITY=OFF && ninja -C "$lint_build" vora_contracts; }

# Of gcc's flags clang lacks one: -fcoroutines, which makes <coroutine> usable.
tidy() {
  mkdir -p "$temporary/tidy" && sed 's/ -fcoroutines / -D__cpp_impl_coroutine=201902L /' "$lint_build/compile_commands.json" \
    >"$temporary/tidy/compile_commands.json" || return 1
  xargs -0 -r -n 1 -P "$(nproc)" clang-tidy-14 -p "$temporary/tidy" --quiet --extra-arg=-Wno-unknown-warning-option <"$temporary/changed" 2>&1 |
    sed '/ warnings\{0,1\} generated\.$/d'   # in headers of others
}

# Which of the C++ files that differ from the base the build compiles. Files that were only moved did not change.
find_changed() {
  local file
  git diff --name-only -z -M100% --diff-filter=AM "$base" -- '*.cc' | while read -r -d '' file; do
    grep -qF "\"$VORA_ROOT/$file\"" "$lint_build/compile_commands.json" && printf '%s\0' "$file"
  done >"$temporary/changed"
}

count_changed() { tr -cd '\0' <"$temporary/changed" | wc -c; }

scripts() { tracked '*.sh' .ci/run | xargs -0 shellcheck; }

buf() { "$VORA_ROOT/tests/node_modules/@bufbuild/buf-linux-$([ "$(uname -m)" = aarch64 ] && echo aarch64 || echo x64)/bin/buf" "$@"; }
promises() {
  git archive "$base" proto | tar -x -C "$temporary" || return 1
  buf breaking proto --against "$temporary/proto"
}

ensure_packages "${BUILD_PACKAGES[@]}" "${LINT_PACKAGES[@]}"
npm_install "$VORA_ROOT/services/console"
npm_install "$VORA_ROOT/tests"

check clang-format format
if [ -z "$base" ]; then
  say "clang-tidy: left out, as there is no commit to compare with"
else
  check 'commands to compile each file by itself' configure
  find_changed
  all=$(count_changed)
  [ -z "${VORA_LINT_TIDY_FILES:-}" ] || sed -z -i "$((VORA_LINT_TIDY_FILES + 1)),\$d" "$temporary/changed"
  check "clang-tidy, $(count_changed) of $all changed files" tidy
fi
check eslint npm --prefix services/console run --silent lint
check shellcheck scripts
check 'buf lint' buf lint proto
if [ -n "$base" ]; then check 'buf breaking' promises; fi

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
