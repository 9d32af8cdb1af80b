#!/usr/bin/env bash
# aioquic is on PyPI only; it is fetched before the lab cuts itself off.
tools=/var/tmp/lab-aioquic-1.7.2
[ -x "$tools/bin/pip" ] || { python3 -m venv "$tools" && "$tools/bin/pip" -q install aioquic==1.7.2; }
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# QUIC handshakes of every shape by aioquic, and Chromium's own.
bridge
host www 203.0.113.43/24 2001:db8:113::43/64
host dns 203.0.113.53/24
host ann 10.20.0.11/24 2001:db8:20::11/64
make_ca
make_cert www.agency.example 20 DNS:www.agency.example
named_on dns 203.0.113.53 <<ZONE
www.agency.example. IN A 203.0.113.43
ZONE
resolver 203.0.113.53
peer() { # HOST ARGUMENTS
  local from=$1
  shift
  on "$from" timeout 12 "$tools/bin/python" "$lib/quic_peer.py" "$@"
}
serve() { # PORT VERSIONS ALPN [retry]
  bg www "$tools/bin/python" "$lib/quic_peer.py" serve "${address:-0.0.0.0}" "$1" "$lab/www.agency.example.pem" \
    "$lab/www.agency.example.key" "${@:2}"
  wait_udp www "$1"
}
v1=1 v2=6b3343cf
serve 443 $v1 h3,hq-interop
serve 4433 $v1 h3,hq-interop retry
serve 8443 $v2,$v1 h3
serve 9443 $v2 h3
address=2001:db8:113::43 serve 10443 $v1 h3

capture
call() { peer ann call "${address:-203.0.113.43}" "$1" www.agency.example "$lab/ca.pem" "${@:2}"; }
call 443 $v1 h3                        # version 1
call 443 $v1 hq-interop resume         # resumed, with early data
call 4433 $v1 hq-interop               # Retry
call 4433 $v2 hq-interop               # a version the server does not speak, and no other: it only tells its own
call 8443 $v2,$v1 h3                   # begins in 1, goes on in 2
call 8443 $v2 h3                       # begins in 2
call 9443 $v1,$v2 h3                   # Version Negotiation, then a second try in 2
call 443 $v1 "h3,$(seq -s, -f 'long-protocol-name-%02.0f' 70)" # a hello over two Initials
call 443 $v1 doq               # no protocol in common: refused in the open
address=2001:db8:113::43 call 10443 $v1 h3
pin=$(openssl x509 -in "$lab/www.agency.example.pem" -pubkey -noout | openssl pkey -pubin -outform der |
  openssl dgst -sha256 -binary | base64)
on ann timeout 40 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
  --disable-background-networking --disable-component-update --disable-sync --disable-extensions --disable-default-apps \
  --disable-domain-reliability --disable-client-side-phishing-detection --ignore-certificate-errors-spki-list="$pin" \
  --enable-quic --origin-to-force-quic-on=www.agency.example:443 \
  --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE *.agency.example' --user-data-dir="$lab/profile" \
  --virtual-time-budget=2000 --dump-dom https://www.agency.example/ </dev/null >"$lab/page.html" 2>>"$lab/chromium.log" || true
grep -q 'Opening hours' "$lab/page.html"
finish chromium named openssl
