#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# HTTP over a cable that loses, doubles and reorders frames (lib/wire.py; small kernels lack netem).
cable pair w0 w1 --loss 0.03 --reorder 0.08 --duplicate 0.03 --seed 7
plug w0 ann 11 10.20.0.11/24
plug w1 www 12 203.0.113.80/24
make_site "$lab/site"
nginx_on www 80 <<<"server { listen 80; root $lab/site; location /form { return 200; } }"

capture_on ann eth0 at-client.pcap
capture_on www eth0 at-server.pcap
for name in index.html data.bin report.txt; do quiet_curl ann "http://203.0.113.80/$name"; done
# One byte a segment, so that retransmissions overlap what had come.
on ann timeout 20 python3 "$lib/dribble.py" 203.0.113.80 80
quiet_curl ann -F "file=@$lab/site/data.bin" http://203.0.113.80/form
finish nginx curl
