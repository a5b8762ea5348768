#!/usr/bin/env bash
# Prints docs/configuration.md as the programs that are built say it: docs/configuration.sh >docs/configuration.md
set -euo pipefail
build="${VORA_BUILD:-$(cd "$(dirname "$0")/.." && pwd)/build/release}"
cat <<'EOF'
# Configuration

Every daemon is set up by environment variables and nothing else. `--help` explains them, `--print-config` shows those in effect (secrets
masked), and a daemon that finds mistakes names all of them at once and exits with code 2. An empty variable counts as unset. Durations
are `250ms`, `10s`, `5m`, `2h`; sizes `64MiB`, `50GiB`.

This page is written by `docs/configuration.sh` from the programs themselves; a test keeps it true.
EOF
for daemon in upload metadata orchestrator transcode-worker streaming-gateway analytics-ingest amqp; do
  echo
  env -i "$build/bin/vora-$daemon" --reference
done
