#!/usr/bin/env bash
# Makes the secrets that overlays/dev refers to, with random values, in namespace vora. What is there already stays as it is.
#
#   deploy/kubernetes/overlays/dev/secrets.sh            makes them in the cluster that kubectl talks to
#   deploy/kubernetes/overlays/dev/secrets.sh --print    prints them as manifests instead
set -euo pipefail

random() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }

# secret NAME KEY=VALUE...
secret() {
  local name=$1 pair
  shift
  local literals=()
  for pair in "$@"; do literals+=("--from-literal=$pair"); done
  if [ "$MODE" = print ]; then
    kubectl create secret generic "$name" --namespace vora "${literals[@]}" --dry-run=client -o yaml
    echo ---
  elif kubectl get secret "$name" --namespace vora >/dev/null 2>&1; then
    echo "secret/$name is there"
  else
    kubectl create secret generic "$name" --namespace vora "${literals[@]}"
  fi
}

MODE="make"
case "${1:-}" in
  '') ;;
  --print) MODE=print ;;
  *) echo "usage: $0 [--print]" >&2; exit 2 ;;
esac
[ "$MODE" = print ] || kubectl get namespace vora >/dev/null 2>&1 || kubectl create -f "$(dirname "$0")/../../base/namespace.yaml"

password=$(random)
secret vora-postgres "password=$password" \
  "orchestrator-url=postgresql://vora:$password@postgres:5432/vora_orchestrator" "metadata-url=postgresql://vora:$password@postgres:5432/vora_metadata"
# One store for both roots, with one user.
store=("access-key=$(random)" "secret-key=$(random)")
secret vora-object-store-raw "${store[@]}"
secret vora-object-store-processed "${store[@]}"
secret vora-clickhouse user=vora "password=$(random)"
secret vora-auth "fleet-secret=$(random)" "jwt-secret=$(random)"
secret vora-viewers "secret=$(random)"
secret vora-edge "secret=$(random)"
secret vora-playback "keys=k1:$(random)"
