#!/bin/sh
# The broker in a container: formats its data folder where that is new, and runs on it.
# Usage: start.sh SERVER.PROPERTIES
set -eu
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id dGVuZm9sZC1sb2NhbC1jMQ --config "$1"
exec /opt/kafka/bin/kafka-server-start.sh "$1"
