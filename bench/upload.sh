# shellcheck shell=bash
# One file by one tus PATCH into the upload daemon over loopback, onto a local store, and the same file by dd with fsync onto that disk.

UPLOAD_GOAL=0.60
UPLOAD_RSS_GOAL=80     # MiB: 64 and 16 for one active upload
UPLOAD_MIB=${VORA_BENCH_UPLOAD_MIB:-1024}

# Sends FILE; prints the seconds the PATCH took.
_tus_send() {
  local file=$1 size location status
  size=$(stat -c %s "$file")
  location=$(curl -fsS -o /dev/null -D - -X POST -H 'Tus-Resumable: 1.0.0' -H "Upload-Length: $size" "$UPLOAD_URL" |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  [ -n "$location" ] || fail "the upload daemon created no upload" "see $(log_file upload)"
  case "$location" in /*) location="http://127.0.0.1:$UPLOAD_HTTP$location" ;; esac
  read -r status seconds <<<"$(curl -sS -o /dev/null -w '%{http_code} %{time_total}' -X PATCH -T "$file" -H 'Tus-Resumable: 1.0.0' \
    -H 'Upload-Offset: 0' -H 'Content-Type: application/offset+octet-stream' "$location")"
  [ "$status" = 204 ] || fail "the PATCH was answered $status" "see $(log_file upload)"
  echo "$seconds"
}

bench_upload() {
  need_packages curl
  need_programs vora-upload
  local home="$VORA_HOME/upload" file peak cpu round began seconds ratios=() our_rates=() disk_rates=()
  rm -rf "$home" && mkdir -p "$home/objects"
  file="$home/source"
  export VORA_STORAGE="file://$home/objects"
  head -c "$((UPLOAD_MIB << 20))" /dev/urandom >"$file" || fail "no room for the source" "$((3 * UPLOAD_MIB)) MiB are needed at $home"
  sync
  VORA_LOG_LEVEL=warn start_daemon upload VORA_STORAGE="$VORA_STORAGE" VORA_HTTP_LISTEN="127.0.0.1:$UPLOAD_HTTP" \
    VORA_GRPC_LISTEN="127.0.0.1:$UPLOAD_GRPC" VORA_ADMIN_LISTEN="127.0.0.1:$UPLOAD_ADMIN"
  for ((round = 0; round < ROUNDS; round++)); do
    began=$(now)
    dd if="$file" of="$home/copy" bs=1M conv=fsync status=none || fail "dd failed" "is the disk full?"
    disk_rates+=("$(ratio "$UPLOAD_MIB" "$(difference "$(now)" "$began")")")
    rm -f "$home/copy"
    seconds=$(_tus_send "$file") || exit 1
    our_rates+=("$(ratio "$UPLOAD_MIB" "$seconds")")
    ratios+=("$(ratio "${our_rates[-1]}" "${disk_rates[-1]}")")
    rm -rf "$home/objects/raw"
  done
  peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$(part_pid upload)/status")
  cpu=$(awk -v hz="$(getconf CLK_TCK)" -v gib="$((UPLOAD_MIB * ROUNDS))" '{ sub(/^.*\) /, ""); printf "%.2f", ($12 + $13) / hz / gib * 1024 }' \
    "/proc/$(part_pid upload)/stat")
  note "upload: $(median "${our_rates[@]}") MiB/s, dd conv=fsync $(median "${disk_rates[@]}") MiB/s (ratios ${ratios[*]}); $cpu CPU seconds of the daemon per GiB"
  figure upload.throughput_to_dd "$(median "${ratios[@]}")" ratio ge "$UPLOAD_GOAL"
  figure upload.peak_memory "$peak" MiB le "$UPLOAD_RSS_GOAL"
  stop_part upload
  rm -rf "$home"
}
