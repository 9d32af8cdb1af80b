#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"

# WebSocket connections with and without compression, ended in every way; one that is refused.
bridge
host www 203.0.113.80/24
host ann 10.20.0.11/24
printf '%s chat.agency.example\n' 203.0.113.80 >>"$lab/hosts"
bg www python3 "$here/peer.py" serve 8080
wait_tcp www 8080
wait_tcp www 8081

capture
on ann timeout 20 python3 "$here/peer.py" talk ws://chat.agency.example >/dev/null
quiet_curl ann -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' http://chat.agency.example:8081/no-key
finish curl
