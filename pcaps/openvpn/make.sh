#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# OpenVPN over UDP and TCP with each guard of the control channel, a key renewed, a client that the server does not answer, and one it refuses.
bridge
host vpn 203.0.113.44/24
host ann 10.20.0.11/24
host eve 10.20.0.66/24
make_ca
make_cert vpn.agency.example 20 DNS:vpn.agency.example
make_cert ann.agency.example 20 DNS:ann.agency.example
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj '/O=Eve/CN=eve.example' \
  -keyout "$lab/eve.key" -out "$lab/eve.pem" 2>/dev/null
openvpn --genkey secret "$lab/ta.key"
openvpn --genkey secret "$lab/other.key"
openvpn --genkey tls-crypt-v2-server "$lab/v2-server.key"
openvpn --tls-crypt-v2 "$lab/v2-server.key" --genkey tls-crypt-v2-client "$lab/v2-client.key"
common=(--auth-nocache --ping 1 --verb 3 --ca "$lab/ca.pem")
networks=0
serve() { # PORT PROTO OPTIONS
  networks=$((networks + 1))
  bg vpn openvpn "${common[@]}" --dev "tun$networks" --server "10.8.$networks.0" 255.255.255.0 --dh none --cert "$lab/vpn.agency.example.pem" \
    --key "$lab/vpn.agency.example.key" --port "$1" --proto "$2" "${@:3}"
}
serve 1194 udp4
serve 1195 udp4 --tls-auth "$lab/ta.key" 0
serve 1196 udp4 --tls-auth "$lab/ta.key" 0 --auth SHA512
serve 1197 udp4 --tls-crypt "$lab/ta.key"
serve 1198 udp4 --tls-crypt-v2 "$lab/v2-server.key"
serve 443 tcp4-server --tls-auth "$lab/ta.key" 0 --auth SHA256
serve 1194 tcp4-server
serve 1199 udp4 --reneg-sec 4 0 --tls-version-max 1.2
wait_udp vpn 1198
wait_udp vpn 1199
wait_tcp vpn 443
wait_tcp vpn 1194

capture
join() { # HOST CERT SECONDS PORT PROTO OPTIONS
  on "$1" timeout "$3" openvpn "${common[@]}" --dev null --dev-type tun --client --nobind --remote 203.0.113.44 "$4" "$5" --resolv-retry 0 \
    --connect-retry 9 9 --cert "$lab/$2.pem" --key "$lab/$2.key" "${@:6}" </dev/null >>"$lab/join.log" 2>&1 || true
}
me=ann.agency.example
join ann $me 4 1194 udp4
join ann $me 4 1195 udp4 --tls-auth "$lab/ta.key" 1
join ann $me 4 1196 udp4 --tls-auth "$lab/ta.key" 1 --auth SHA512
join ann $me 4 1197 udp4 --tls-crypt "$lab/ta.key"
join ann $me 4 1198 udp4 --tls-crypt-v2 "$lab/v2-client.key"
join ann $me 4 443 tcp4-client --tls-auth "$lab/ta.key" 1 --auth SHA256
join ann $me 4 1194 tcp4-client
join ann $me 10 1199 udp4                                            # the key is renewed
join ann $me 3 1194 udp4 --tls-version-max 1.2                       # certificates in clear
join eve $me 5 1195 udp4 --tls-auth "$lab/other.key" 1               # another key: no answer
join eve eve 5 1194 udp4                                             # a certificate of nobody
finish openvpn openssl
