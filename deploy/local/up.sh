#!/usr/bin/env bash
# Starts the whole of Vora on this machine, from packages to playback. Safe to repeat.
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/stack.sh"
. "$here/packages.sh"
[ $VORA_INSTALLED = yes ] || . "$here/build.sh"

usage() {
  cat <<EOF
Usage: $(script up) [--no-build] [--demo [FILE]]

Starts PostgreSQL, ClickHouse, the daemons and Varnish in the background and waits until they are ready. With --demo it uploads FILE (without one: a
sample it makes), follows the processing and prints the watch URL.
In a checkout it installs the Debian packages that are missing and builds the programs and pages first; where Vora's own packages are installed
nothing is built.

  --demo [FILE]  upload a video once everything runs
  --no-build     start what was built before
  --help         this text

Environment: VORA_HOME (state folder, now $VORA_HOME), VORA_PORT_BASE (default 8080), VORA_STORAGE (default a
folder in VORA_HOME; or s3://BUCKET?endpoint=http://HOST:PORT with VORA_S3_ACCESS_KEY and VORA_S3_SECRET_KEY), and VORA_STORAGE_RAW or
VORA_STORAGE_PROCESSED for what lies elsewhere, with keys in VORA_S3_RAW_... and VORA_S3_PROCESSED_....
Stop it with $(script down).
EOF
}

# packages_fit   Vora's packages are installed, in the version of this checkout
packages_fit() {
  local version
  version=$(sed -n 's/^project(vora VERSION \([0-9.]*\).*/\1/p' "$VORA_ROOT/CMakeLists.txt")
  # shellcheck disable=SC2016  # dpkg's own
  [ -n "$version" ] && [ "$(dpkg-query -W -f='${db:Status-Abbrev}${Version}' vora-local 2>/dev/null)" = "ii $version" ]
}

demo=no demo_file='' build=yes
[ $VORA_INSTALLED = no ] || build=no
while [ $# -gt 0 ]; do
  case "$1" in
    --demo)
      demo=yes
      if [ $# -gt 1 ] && [ "${2#--}" = "$2" ]; then
        demo_file=$2
        shift
      fi
      ;;
    --no-build) build=no ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; fail "unknown argument: $1" ;;
  esac
  shift
done
[ -z "$demo_file" ] || [ -r "$demo_file" ] || fail "$demo_file cannot be read" "give the path of a video file, or none for a sample"
case "$VORA_PORT_BASE" in *[!0-9]* | '') fail "VORA_PORT_BASE is '$VORA_PORT_BASE', not a number" "e.g. VORA_PORT_BASE=9080" ;; esac
[ "$VORA_PORT_BASE" -ge 1024 ] && [ "$VORA_PORT_BASE" -le 64000 ] || fail "VORA_PORT_BASE is $VORA_PORT_BASE" "choose 1024 to 64000"

mkdir -p "$VORA_HOME/run" "$VORA_HOME/logs" "$VORA_HOME/objects" || fail "$VORA_HOME cannot be written" "choose another folder with VORA_HOME"
VORA_HOME="$(cd "$VORA_HOME" && pwd)"
exec 9>"$VORA_HOME/run/lock"
flock -n 9 || { say "waiting for another $(script up) or $(script down)"; flock 9; }
export VORA_STORAGE="${VORA_STORAGE:-file://$VORA_HOME/objects}"

if [ $VORA_INSTALLED = no ] && [ ! -e "$VORA_BUILD" ] && packages_fit; then
  say "starting the installed packages, which are of this version; deploy/local/build.sh builds this checkout instead"
  take_installed /usr
  build=no
fi
if [ "$build" = yes ]; then
  ensure_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}"
  build_programs
else
  ensure_packages "${RUN_PACKAGES[@]}"
fi

started=$SECONDS
for part in "${STACK_PARTS[@]}"; do
  start_part "$part" 9>&- || exit 1
done

printf '\nVora is running (%s s).\n' "$((SECONDS - started))"
printf '  %-9s %s\n' 'pages' "$EDGE_URL/" 'REST' "$EDGE_URL/v1/videos   (described at $EDGE_URL/openapi.json)" 'uploads' "$UPLOAD_URL   (tus)" \
  'storage' "$(storage_url RAW)$([ "$(storage_url RAW)" = "$(storage_url PROCESSED)" ] || echo ", $(storage_url PROCESSED)")" 'logs' "$VORA_HOME/logs" 'client' "$VORA_BIN/vora --help" 'stop' "$(script down)"

if [ "$demo" = yes ]; then
  if [ -z "$demo_file" ]; then
    demo_file="$VORA_HOME/sample.mp4"
    if [ ! -s "$demo_file" ]; then
      say "making a sample video (30 s, 1080p30, with audio)"
      ffmpeg -v error -y -f lavfi -i "testsrc2=size=1920x1080:rate=30:duration=30" -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=30" \
        -c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p -c:a aac -b:a 128k -movflags +faststart "$demo_file.new.mp4" &&
        mv "$demo_file.new.mp4" "$demo_file" || fail "ffmpeg could not make the sample" "give a file: $(script up) --demo FILE"
    fi
  fi
  echo
  exec 9>&-
  exec env VORA_SERVER="$EDGE_URL" VORA_UPLOAD_URL="$UPLOAD_URL" "$VORA_BIN/vora" upload "$demo_file"
fi
