#!/bin/sh
# Formats the volume on its first start, then runs the broker. Everything it keeps is under /data.
set -eu

java_with() {
    heap=$1
    shift
    exec java "-Xms$heap" "-Xmx$heap" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -XX:-UsePerfData \
        -Djava.io.tmpdir=/tmp -Dlog4j2.configurationFile=/etc/kafka/log4j2.properties \
        -cp '/opt/kafka/libs/*' "$@"
}

if ! grep -q '^cluster.id=' /data/log/meta.properties 2>/dev/null; then
    (java_with 96m kafka.tools.StorageTool format --standalone \
        --cluster-id "$KAFKA_CLUSTER_ID" --config /etc/kafka/server.properties)
fi
java_with "$KAFKA_HEAP" kafka.Kafka /etc/kafka/server.properties
