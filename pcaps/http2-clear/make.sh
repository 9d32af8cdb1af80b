#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# HTTP/2 without TLS: by prior knowledge and by upgrade, from nghttp2 and curl.
bridge
host www 203.0.113.80/24
host ann 10.20.0.11/24
make_site "$lab/site"
printf '%s www.agency.example\n' 203.0.113.80 >>"$lab/hosts"
bg www nghttpd --no-tls --push=/news.html=/style.css --trailer 'x-checked: yes' -d "$lab/site" 80
wait_tcp www 80
bg www nghttpd --no-tls --echo-upload -c 256 -d "$lab/site" 8080
wait_tcp www 8080
mkdir -p "$lab/run"
cat >"$lab/nghttpx.conf" <<CONF
frontend=*,8081;no-tls
backend=127.0.0.1,80;;proto=h2
workers=1
CONF
bg www nghttpx --conf="$lab/nghttpx.conf" --pid-file="$lab/nghttpx.pid"
wait_tcp www 8081
head -c 40000 /dev/zero | tr '\0' 'a' >"$lab/upload.txt"

capture
site=http://www.agency.example
quietly() { on ann timeout 10 "$@" </dev/null >/dev/null 2>&1 || true; }
quietly nghttp "$site/news.html" "$site/logo.png"
quietly nghttp --upgrade "$site:8081/report.txt" "$site:8081/style.css"
quietly nghttp --upgrade "$site/report.txt"
quietly nghttp --no-content-length -H 'x-long: '"$(printf 'b%.0s' $(seq 600))" --continuation "$site:8080/missing?a=b"
quietly nghttp -d "$lab/upload.txt" "$site:8080/echo/upload.txt"
quietly nghttp --padding=32 -H ':method: HEAD' "$site:8080/logo.png"
quietly h2load -n 12 -c 2 -m 6 "$site:8080/contact.html" "$site:8080/app.js"
quietly h2load -n 60 -c 2 -m 6 "$site:8080/nowhere"
quiet_curl ann --http2-prior-knowledge -H 'Cookie: a=1; b=2' -A 'Mozilla/5.0 (lab)' "$site/index.html"
quiet_curl ann --http2-prior-knowledge "$site/nothing.html"
quiet_curl ann --http2 "$site:8081/app.js"
quiet_curl ann --http2-prior-knowledge -F "paper=@$lab/site/logo.png" "$site:8080/echo"
quiet_curl ann --http2-prior-knowledge -X PUT -T "$lab/upload.txt" "$site:8080/stored.txt"
finish nghttp nghttpd nghttpx h2load curl
