#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Connections that do not go by the book: long and idle, reset, half open, half closed, refused, unanswered.
bridge
host www 203.0.113.80/24
host dark 203.0.113.90/24
host ann 10.20.0.11/24
host evil 198.51.100.66/24
make_site "$lab/site"
nginx_on www 80 <<<"server { listen 80; root $lab/site; keepalive_timeout 60; limit_rate 4k; lingering_close off; }"
# "dark" is there (it answers ARP) but routes everything it would say to nowhere: a silent filter.
on dark ip route del default
on dark ip route add blackhole 198.51.100.0/24
on dark ip route add blackhole 10.20.0.0/24

capture
quiet_curl ann http://203.0.113.80/report.txt &                                          # some 7 s at 4 kB/s
slow=$!
{ printf 'GET /style.css HTTP/1.1\r\nHost: www.agency.example\r\n\r\n'; sleep 25; printf 'GET /app.js HTTP/1.1\r\nHost: www.agency.example\r\n\r\n'; } |
  on ann timeout 40 socat -t 2 - TCP:203.0.113.80:80 >/dev/null &                        # 25 s idle in one connection
idle=$!
on evil timeout 30 nmap -n -Pn -sS --max-retries 0 -p 1-200 203.0.113.90 >/dev/null      # no answer at all
on evil timeout 30 nmap -n -Pn -sS --max-retries 0 -p 1-100 203.0.113.80 >/dev/null      # refused but one
on evil timeout 20 nmap -n -sn -PS80 10.20.0.0/28 >/dev/null
on ann timeout 2 curl -s http://203.0.113.90/ >/dev/null 2>&1 || true                    # SYN again and again
on ann timeout 1 curl -s http://203.0.113.80/data.bin >/dev/null 2>&1 || true            # cut off in the middle
on ann python3 "$lib/oddities.py" 203.0.113.80 80
wait "$slow" "$idle" || true
finish nginx curl nmap socat
