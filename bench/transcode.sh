# shellcheck shell=bash
# A 60 s 1080p30 source through a whole stack of its own, from upload complete to READY, and one ffmpeg process making the same three
# renditions and the audio from local disk with the same x264 settings (libs/ladder's default; ffmpeg may use as many threads as it likes).

TRANSCODE_READY_GOAL=1.25
TRANSCODE_FIRST_GOAL=0.15
SOURCE_SECONDS=${VORA_BENCH_SOURCE_SECONDS:-60}

_make_source() {
  ffmpeg -v error -y -f lavfi -i "testsrc2=size=1920x1080:rate=30:duration=$SOURCE_SECONDS" \
    -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=$SOURCE_SECONDS" \
    -vf 'noise=alls=12:allf=t' -c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p -c:a aac -b:a 128k -movflags +faststart "$1"
}

# Prints the seconds one ffmpeg process takes.
_ffmpeg_ladder() {
  local source=$1 out=$2 began
  local x264=(-c:v libx264 -preset veryfast -profile:v high -crf 23 -x264-params 'scenecut=0:open-gop=0:keyint=60:min-keyint=60')
  rm -rf "$out" && mkdir -p "$out"
  began=$(now)
  ffmpeg -v error -y -i "$source" -filter_complex \
    '[0:v]split=3[a][b][c];[a]scale=640:360:flags=bicubic[v0];[b]scale=1280:720:flags=bicubic[v1];[c]format=yuv420p[v2]' \
    -map '[v0]' "${x264[@]}" -maxrate 800k -bufsize 1600k -f mp4 "$out/360p.mp4" \
    -map '[v1]' "${x264[@]}" -maxrate 2800k -bufsize 5600k -f mp4 "$out/720p.mp4" \
    -map '[v2]' "${x264[@]}" -maxrate 5000k -bufsize 10000k -f mp4 "$out/1080p.mp4" \
    -map 0:a -c:a aac -b:a 128k -ar 48000 -ac 2 -f mp4 "$out/audio.mp4" >&2 || fail "ffmpeg could not make the renditions" ""
  difference "$(now)" "$began"
}

# Uploads SOURCE and waits for READY; prints the seconds from upload complete to first playable and to READY.
_vora_ladder() {
  local source=$1 size location upload_id complete video state answer
  size=$(stat -c %s "$source")
  location=$(curl -fsS -o /dev/null -D - -X POST -H 'Tus-Resumable: 1.0.0' -H "Upload-Length: $size" "$UPLOAD_URL" |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  upload_id=${location##*/}
  curl -fsS -o /dev/null -X PATCH -T "$source" -H 'Tus-Resumable: 1.0.0' -H 'Upload-Offset: 0' \
    -H 'Content-Type: application/offset+octet-stream' "$UPLOAD_URL$upload_id" || fail "the upload failed" "see $(log_file upload)"
  complete=$(now)
  video=$(curl -fsS -X POST -H 'Content-Type: application/json' -d "{\"upload_id\":\"$upload_id\"}" "$EDGE_URL/v1/videos" | jq -r '.video_id // .videoId') ||
    fail "there is no video for the upload" "see $(log_file metadata)"
  while :; do
    answer=$(curl -fsS "$EDGE_URL/v1/videos/$video") || fail "the video cannot be asked for" "see $(log_file metadata)"
    state=$(jq -r .state <<<"$answer")
    case "$state" in
      *READY) [[ "$state" == *PARTIALLY_READY ]] || break ;;
      *FAILED | *CANCELLED) fail "the video became $state: $(jq -r .failure <<<"$answer")" "see $(log_file transcode-worker)" ;;
    esac
    read -r -t 0.5 <> <(:) || true
  done
  # The announcement may overtake the answer to the PATCH: whichever came first is the start.
  local created first ready
  created=$(_seconds "$(jq -r '.created_at // .createdAt' <<<"$answer")")
  first=$(_seconds "$(jq -r '.first_playable_at // .firstPlayableAt' <<<"$answer")")
  ready=$(_seconds "$(jq -r '.ready_at // .readyAt' <<<"$answer")")
  awk -v c="$complete" -v v="$created" -v f="$first" -v r="$ready" 'BEGIN { s = (v < c) ? v : c; printf "%.3f %.3f\n", f - s, r - s }'
}

_seconds() { date -d "$1" +%s.%N; }

bench_transcode() {
  need_packages "${RUN_PACKAGES[@]}"
  local home="$VORA_HOME/transcode" source round ffmpeg first ready ready_ratios=() first_ratios=() ffmpegs=() readies=() firsts=()
  mkdir -p "$home"
  source="$home/source-$SOURCE_SECONDS.mp4"
  [ -s "$source" ] || { _make_source "$source.new.mp4" && mv "$source.new.mp4" "$source"; } || fail "no source could be made" ""
  export VORA_STORAGE="file://$home/objects"
  mkdir -p "$home/objects"
  "$VORA_ROOT/deploy/local/up.sh" >&2 || fail "the stack did not start" "see $VORA_HOME/logs"
  for ((round = 0; round < ROUNDS; round++)); do
    ffmpeg=$(_ffmpeg_ladder "$source" "$home/ffmpeg") || exit 1
    read -r first ready <<<"$(_vora_ladder "$source")"
    [ -n "$ready" ] || exit 1
    ffmpegs+=("$ffmpeg") readies+=("$ready") firsts+=("$first")
    ready_ratios+=("$(ratio "$ready" "$ffmpeg")")
    first_ratios+=("$(ratio "$first" "$ffmpeg")")
  done
  note "transcode: ffmpeg $(median "${ffmpegs[@]}") s; READY $(median "${readies[@]}") s, first playable $(median "${firsts[@]}") s (ratios ${ready_ratios[*]}; ${first_ratios[*]})"
  figure transcode.ready_to_ffmpeg "$(median "${ready_ratios[@]}")" ratio le "$TRANSCODE_READY_GOAL"
  figure transcode.first_playable_to_ffmpeg "$(median "${first_ratios[@]}")" ratio le "$TRANSCODE_FIRST_GOAL"
  "$VORA_ROOT/deploy/local/down.sh" >&2
  rm -rf "$home/objects" "$home/ffmpeg" "$VORA_HOME/postgres"
}
