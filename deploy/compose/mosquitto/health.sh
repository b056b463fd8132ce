#!/bin/sh
# Healthy: a client of the centre gets in, and what it publishes is acknowledged.
exec mosquitto_pub -h localhost -p "${1:-8883}" -i health -u centre -P "$(cat "${2:-/authority}/centre/centre.password")" \
  --cafile "${2:-/authority}/ca.pem" --cert "${2:-/authority}/centre/centre.pem" --key "${2:-/authority}/centre/centre.key" \
  -t mooring/1/_health/ack -n -q 1
