#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# One piece of traffic in every file format: captured three times at once, then converted and packed.
bridge
host www 203.0.113.80/24
host ann 10.20.0.11/24
make_site "$lab/site"
nginx_on www 80 <<<"server { listen 80; root $lab/site; }"
named_on www 203.0.113.80 <<<'www.agency.example. IN A 203.0.113.80'
resolver 203.0.113.80

capture_on wire br0 micro.pcap
capture_on wire br0 nano.pcap --time-stamp-precision=nano
dumpcap -q -i br0 -w "$lab/full.pcapng" 2>"$lab/dumpcap.log" &
dumper=$!
wait_for grep -q 'File:' "$lab/dumpcap.log"
sleep 1
quiet_curl ann http://www.agency.example/index.html
quiet_curl ann http://www.agency.example/logo.png
on ann dig @203.0.113.80 www.agency.example A www.agency.example AAAA >/dev/null
on ann ping -c 2 -i 0.2 203.0.113.80 >/dev/null
sleep 1.5
kill "$dumper"
wait "$dumper" || true
for one in "${captures[@]}"; do stop_capture "$one"; done
convert() { python3 "$lib/convert.py" "$@"; }
convert pcapng-bare "$lab/full.pcapng" "$here/nano.pcapng"
convert pcap-big "$here/micro.pcap" "$here/micro-big-endian.pcap"
convert pcap-big-nano "$here/nano.pcap" "$here/nano-big-endian.pcap"
convert pcapng-big "$here/nano.pcap" "$here/nano-big-endian.pcapng"
gzip -9nc "$here/nano.pcapng" >"$here/packed.pcapng.gz"
gzip -9nc "$here/micro.pcap" >"$here/packed.pcap.gz"
zstd -19qc "$here/micro.pcap" >"$here/packed.pcap.zst"
stamp dumpcap nginx named curl gzip zstd
