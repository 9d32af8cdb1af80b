#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# DTLS handshakes by OpenSSL: both versions, cookies, messages in fragments, resumption, a refusal, a shared key.
bridge
host www 203.0.113.43/24
host ann 10.20.0.11/24
make_ca
make_cert www.agency.example 20 DNS:www.agency.example
openssl req -x509 -newkey rsa:4096 -nodes -days 20 -subj '/O=Lab/CN=big.example' -addext subjectAltName=DNS:big.example \
  -keyout "$lab/big.key" -out "$lab/big.pem" 2>/dev/null
serve() { # PORT NAME OPTIONS
  (sleep 200 | become www openssl s_server -accept "$1" -cert "$lab/$2.pem" -key "$lab/$2.key" -cipher 'ALL:@SECLEVEL=0' \
    "${@:3}" >>"$lab/s_server-$1.log" 2>&1) &
  started+=($!)
  wait_udp www "$1"
}
serve 4433 www.agency.example -dtls1_2 -alpn coap,webrtc
serve 4434 big -dtls1_2 -mtu 300
serve 4435 www.agency.example -dtls -listen
serve 4436 big -dtls1
serve 4437 www.agency.example -dtls1_2 -Verify 2 -CAfile "$lab/ca.pem"
serve 4438 www.agency.example -dtls1_2 -psk 0102030405060708 -psk_hint lab -nocert

capture
shake() { # PORT OPTIONS
  (sleep 0.7; echo hello; sleep 0.3) | on ann timeout 4 openssl s_client -connect "203.0.113.43:$1" -cipher 'ALL:@SECLEVEL=0' \
    "${@:2}" >/dev/null 2>&1 || true
}
shake 4433 -dtls1_2 -servername www.agency.example -alpn coap,webrtc -sess_out "$lab/session"
shake 4433 -dtls1_2 -servername www.agency.example -sess_in "$lab/session"      # resumed
shake 4434 -dtls1_2 -servername big.example                                    # certificate in fragments
shake 4435 -dtls -servername www.agency.example                                # HelloVerifyRequest
shake 4436 -dtls1 -servername big.example -cipher 'AES128-SHA:@SECLEVEL=0'     # 1.0
shake 4437 -dtls1_2 -cert "$lab/www.agency.example.pem" -key "$lab/www.agency.example.key"
shake 4438 -dtls1_2 -psk 0102030405060708 -psk_identity ann -cipher 'PSK:@SECLEVEL=0'
shake 4433 -dtls1 -servername www.agency.example                               # a version the server refuses
shake 4434 -dtls1_2 -mtu 256 -servername big.example                           # smaller datagrams
finish openssl
