#!/bin/sh
exec java -cp "$CLASSPATH:$KAFKA_JARS/*" "$@"
