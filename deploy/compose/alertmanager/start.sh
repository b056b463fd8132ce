#!/bin/sh
# Alertmanager with deploy/alertmanager/alertmanager.yaml, whose webhook is the URL in the secret `alert-webhook`.
set -eu
{
  IFS= read -r webhook
  while IFS= read -r line; do
    case $line in *"- url: "*) line="${line%%- url: *}- url: \"$webhook\"" ;; esac
    printf '%s\n' "$line"
  done < "${CONFIG:-/etc/alertmanager/alertmanager.yaml}" > /tmp/alertmanager.yaml
} < "${WEBHOOK:-/run/secrets/alert-webhook}"
exec "${ALERTMANAGER:-/bin/alertmanager}" --config.file=/tmp/alertmanager.yaml "$@"
