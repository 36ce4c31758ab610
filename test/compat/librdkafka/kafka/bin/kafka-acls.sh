#!/bin/sh
exec node "$(dirname "$0")/../acls.js" "$@"
