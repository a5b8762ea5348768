#!/bin/sh
# The rules of deploy/prometheus as PrometheusRules, for the Prometheus operator. kustomize cannot put a file into an object of a kind that it
# does not know:
#
#   deploy/kubernetes/monitoring/rules.sh | kubectl apply -f -
set -eu
cd "$(dirname "$0")/../../prometheus"
for file in *.rules.yml; do
  cat <<HEAD
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: vora-${file%.rules.yml}
  namespace: vora
  labels: {app.kubernetes.io/part-of: vora}
spec:
HEAD
  sed 's/^/  /' "$file"
done
