#!/bin/sh
# Kafka with KRaft: broker and controller in one process. NODE: its number. VOTERS: all controllers. COPIES: of the internal topics.
set -eu
cat > /tmp/server.properties <<P
node.id=$NODE
process.roles=broker,controller
controller.quorum.voters=$VOTERS
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
advertised.listeners=PLAINTEXT://${NAME:-kafka-$NODE}:9092
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${DATA:-/var/lib/kafka/data}
offsets.topic.replication.factor=$COPIES
transaction.state.log.replication.factor=$COPIES
transaction.state.log.min.isr=$(((COPIES + 1) / 2))
auto.create.topics.enable=false
P
kafka=${KAFKA_BIN:-/opt/kafka/bin}
"$kafka/kafka-storage.sh" format --ignore-formatted -t "$CLUSTER" -c /tmp/server.properties
exec "$kafka/kafka-server-start.sh" /tmp/server.properties
