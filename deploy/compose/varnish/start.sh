# shellcheck shell=sh
# Fills in the template and starts Varnish, in the public image and in the one from Debian packages.
set -eu

fill() {
  case "$2" in *[!A-Za-z0-9._-]*) echo "varnish: $1 may hold letters, digits, . - and _ only" >&2; exit 1 ;; esac
  script="${script:-}s/@$1@/$2/g;"
}
fill GATEWAY_HOST "$GATEWAY_HOST"
fill GATEWAY_PORT 8083
fill METADATA_HOST "$METADATA_HOST"
fill METADATA_PORT 8082
fill ANALYTICS_HOST "$ANALYTICS_HOST"
fill ANALYTICS_PORT 8084
fill UPLOAD_PORT "$UPLOAD_PORT"
fill EDGE_SECRET "$EDGE_SECRET"
umask 077
sed "$script" /etc/vora/default.vcl.in >/tmp/default.vcl

# Tokens and the secret are not written into the log in memory. The working folder is a tmpfs from which code may be run: VCL is compiled.
exec varnishd -F -j none -n /srv/varnish/work -a :8080 -f /tmp/default.vcl -s "malloc,${VARNISH_SIZE:-256m}" \
  -p vsl_mask=-ReqURL,-ReqHeader,-ReqUnset,-BereqHeader,-BereqUnset -p vsl_space=32m
