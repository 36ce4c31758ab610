#!/bin/sh
exec node "$(dirname "$0")/../topics.js" "$@"
