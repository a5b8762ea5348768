#!/usr/bin/env bash
# Starts the whole of Vora on this machine, from packages to playback. Safe to repeat.
set -uo pipefail
. "$(dirname "$0")/stack.sh"
. "$(dirname "$0")/packages.sh"
. "$(dirname "$0")/build.sh"

usage() {
  cat <<'EOF'
Usage: deploy/local/up.sh [--no-build] [--demo [FILE]]

Installs the Debian packages that are missing, builds the programs and pages, starts PostgreSQL, the daemons and Varnish in the background and waits until
they are ready. With --demo it uploads FILE (without one: a sample it makes), follows the processing and prints the watch URL.

  --demo [FILE]  upload a video once everything runs
  --no-build     start what was built before
  --help         this text

Environment: VORA_HOME (state folder, default .vora), VORA_PORT_BASE (default 8080), VORA_STORAGE (default a folder in VORA_HOME;
or s3://BUCKET?endpoint=http://HOST:PORT with VORA_S3_ACCESS_KEY and VORA_S3_SECRET_KEY).
Stop it with deploy/local/down.sh.
EOF
}

demo=no demo_file='' build=yes
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
flock -n 9 || { say "waiting for another up.sh or down.sh"; flock 9; }
export VORA_STORAGE="${VORA_STORAGE:-file://$VORA_HOME/objects}"

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
  'storage' "$VORA_STORAGE" 'logs' "$VORA_HOME/logs" 'client' "$VORA_BUILD/bin/vora --help" 'stop' "$(dirname "$0")/down.sh"

if [ "$demo" = yes ]; then
  if [ -z "$demo_file" ]; then
    demo_file="$VORA_HOME/sample.mp4"
    if [ ! -s "$demo_file" ]; then
      say "making a sample video (30 s, 1080p30, with sound)"
      ffmpeg -v error -y -f lavfi -i "testsrc2=size=1920x1080:rate=30:duration=30" -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=30" \
        -c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p -c:a aac -b:a 128k -movflags +faststart "$demo_file.new.mp4" &&
        mv "$demo_file.new.mp4" "$demo_file" || fail "ffmpeg could not make the sample" "give a file: up.sh --demo FILE"
    fi
  fi
  echo
  exec 9>&-
  exec env VORA_SERVER="$EDGE_URL" VORA_UPLOAD_URL="$UPLOAD_URL" "$VORA_BUILD/bin/vora" upload "$demo_file"
fi
