#!/bin/bash
# What Kafka's own scripts of these names do, without what they look for around them.
set -eu
case $(basename "$0") in
  kafka-server-start.sh) main=kafka.Kafka ;;
  kafka-storage.sh) main=kafka.tools.StorageTool ;;
esac
# shellcheck disable=SC2086 # each holds several options
exec java ${KAFKA_HEAP_OPTS-} ${KAFKA_JVM_PERFORMANCE_OPTS-} ${KAFKA_LOG4J_OPTS-} -cp '/opt/kafka/libs/*' "$main" "$@"
