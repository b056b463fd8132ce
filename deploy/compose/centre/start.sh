#!/bin/sh
# The centre with one of the configurations beside this file: `start.sh ingest`. REPLICATION: brokers that have each record.
set -eu
sed "s/^  replication: 1$/  replication: ${REPLICATION:-1}/" "${CONFIG:-/etc/mooring}/$1.yaml" > /tmp/central.yaml
exec mooring central -c /tmp/central.yaml
