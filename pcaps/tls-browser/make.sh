#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# A real browser (Chromium, headless) reads pages over TLS; its DNS is seen as well.
bridge
host www 203.0.113.43/24
host dns 203.0.113.53/24
host ann 10.20.0.11/24
make_ca
make_cert www.agency.example 20 DNS:www.agency.example,DNS:portal.agency.example,DNS:tls12.agency.example
make_site "$lab/site"
cert="ssl_certificate $lab/www.agency.example.pem; ssl_certificate_key $lab/www.agency.example.key; root $lab/site;"
nginx_on www 443 <<CONF
server { listen 443 ssl http2 default_server; server_name www.agency.example portal.agency.example; $cert }
server { listen 8443 ssl; server_name tls12.agency.example; ssl_protocols TLSv1.2; $cert }
CONF
named_on dns 203.0.113.53 <<ZONE
www.agency.example. IN A 203.0.113.43
portal.agency.example. IN A 203.0.113.43
tls12.agency.example. IN A 203.0.113.43
ZONE
resolver 203.0.113.53

capture
browse() { # PAGE
  on ann timeout 40 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --disable-extensions --disable-default-apps \
    --disable-domain-reliability --disable-client-side-phishing-detection --ignore-certificate-errors \
    --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE *.agency.example' --user-data-dir="$lab/profile-$RANDOM" \
    --virtual-time-budget=2000 --dump-dom "$1" </dev/null >/dev/null 2>>"$lab/chromium.log"
}
browse https://www.agency.example/
browse https://portal.agency.example/news.html
browse https://tls12.agency.example:8443/contact.html
finish chromium nginx named
