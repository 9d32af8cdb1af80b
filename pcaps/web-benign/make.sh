#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Three clients, one web server; every shape of HTTP/1.1 that ordinary use has.
bridge
host www 203.0.113.80/24
host ann 10.20.0.11/24
host ben 10.20.0.12/24
host kim 10.20.0.13/24
make_site "$lab/site"
nginx_on www 80 <<CONF
server {
  listen 80 default_server;
  root $lab/site;
  if_modified_since before;
  gzip on; gzip_min_length 200; gzip_types text/css application/javascript text/plain;
  location /old { return 301 /news.html; }
  location /form { return 200 "received\n"; }
  location /api/ { default_type application/json; return 200 '{"status":"ok"}'; }
  location /closed { return 403; }
  location /nothing { return 204; }
}
CONF
printf '%s www.agency.example shop.example\n' 203.0.113.80 >>"$lab/hosts"

capture
site=http://www.agency.example
quiet_curl ann "$site/" "$site/style.css" "$site/app.js" "$site/logo.png"   # keep-alive
quiet_curl ann --compressed "$site/report.txt"                              # gzip, chunked
quiet_curl ben -I "$site/news.html"
quiet_curl ben -L "$site/old"
quiet_curl ben -d 'name=Ben&topic=roads' "$site/form"
quiet_curl ben -H 'Transfer-Encoding: chunked' -H 'Content-Type: application/json' -d '{"id":7}' "$site/api/note"
quiet_curl kim -F "file=@$lab/site/logo.png" "$site/form"
quiet_curl kim "$site/missing.html?x=1&y=two%20words"
quiet_curl kim "$site/closed" "$site/nothing"
quiet_curl kim -r 100-199 "$site/data.bin"                                  # 206
quiet_curl kim -H 'If-Modified-Since: Fri, 01 Jan 2038 00:00:00 GMT' "$site/logo.png"
quiet_curl kim -X OPTIONS "$site/api/"
quiet_curl kim -X PUT -d 'x=1' "$site/form"
quiet_curl kim -X DELETE "$site/form"
quiet_curl kim --http1.0 -A 'OldBrowser/1.0' "http://shop.example/contact.html"
# Pipelining: three requests in one segment, before any answer.
printf 'GET /%s HTTP/1.1\r\nHost: www.agency.example\r\nUser-Agent: pipeliner/1\r\n\r\n' style.css app.js contact.html |
  on ann timeout 3 socat -t 1 - TCP:203.0.113.80:80 >/dev/null
# A request whose head comes in pieces.
{ printf 'GET /news.html HT'; sleep 0.2; printf 'TP/1.1\r\nHost: www.agen'; sleep 0.2; printf 'cy.example\r\nConnection: close\r\n\r\n'; } |
  on ben timeout 3 socat -t 1 - TCP:203.0.113.80:80,nodelay >/dev/null
quiet_curl ann "$site/data.bin" & first=$!
quiet_curl ben "$site/data.bin" & second=$!
wait "$first" "$second"
finish nginx curl socat
