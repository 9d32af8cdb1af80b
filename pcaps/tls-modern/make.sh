#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# One nginx with several names and ports, one "openssl s_server" for what nginx no longer speaks.
bridge
host www 203.0.113.43/24
host old 203.0.113.44/24
host ann 10.20.0.11/24
host ben 10.20.0.12/24
make_ca
make_cert www.agency.example 20 DNS:www.agency.example,DNS:agency.example
make_cert expired.example 0
openssl req -x509 -newkey rsa:2048 -nodes -days 20 -subj '/CN=self.example' -addext subjectAltName=DNS:self.example \
  -keyout "$lab/self.key" -out "$lab/self.pem" 2>/dev/null
make_site "$lab/site"
server() { # PORT NAME CERTIFICATE OPTIONS
  echo "server { listen $1 ssl ${5:-}; server_name $2; root $lab/site; ssl_certificate $lab/$3.pem; ssl_certificate_key $lab/$3.key; ${4:-} }"
}
nginx_on www 443 <<CONF
$(server 443 www.agency.example www.agency.example 'ssl_protocols TLSv1.2 TLSv1.3;' 'default_server http2')
$(server 443 expired.example expired.example '' http2)
$(server 443 self.example self '' http2)
$(server 8443 www.agency.example www.agency.example 'ssl_protocols TLSv1.2; ssl_prefer_server_ciphers on;')
$(server 9443 www.agency.example www.agency.example "ssl_protocols TLSv1.3; ssl_verify_client on; ssl_client_certificate $lab/ca.pem;")
CONF
bg old openssl s_server -accept 443 -www -cert "$lab/self.pem" -key "$lab/self.key" -cipher 'ALL:@SECLEVEL=0' -no_tls1_3
wait_tcp old 443
printf '203.0.113.43 www.agency.example agency.example expired.example self.example\n203.0.113.44 old.example\n' >>"$lab/hosts"

capture
fetch() { quiet_curl "$1" --cacert "$lab/ca.pem" "${@:2}"; }
shake() { # HOST ADDRESS:PORT ARGUMENTS
  local from=$1 to=$2
  shift 2
  printf 'GET / HTTP/1.0\r\n\r\n' | on "$from" timeout 3 openssl s_client -connect "$to" -ign_eof "$@" >/dev/null 2>&1 || true
}
www=203.0.113.43
fetch ann https://www.agency.example/ https://www.agency.example/news.html      # 1.3, h2
fetch ann --http1.1 https://agency.example/                                     # 1.3, http/1.1
fetch ann --tls-max 1.2 https://www.agency.example/                             # 1.2, h2, certificate in clear
fetch ann --no-alpn https://www.agency.example/
fetch ben --tls13-ciphers TLS_CHACHA20_POLY1305_SHA256 --tlsv1.3 https://www.agency.example/
fetch ben --tls-max 1.2 --ciphers ECDHE-ECDSA-CHACHA20-POLY1305 https://www.agency.example/
fetch ben --curves P-384 https://www.agency.example/
fetch ben https://expired.example/                                              # client refuses
fetch ben -k https://expired.example/
fetch ben https://self.example/
fetch ben -k --tls-max 1.2 https://self.example/
fetch ben -k https://203.0.113.43/                                              # no SNI
fetch ann https://www.agency.example:9443/                                      # wants a client certificate
fetch ann --cert "$lab/www.agency.example.pem" --key "$lab/www.agency.example.key" https://www.agency.example:9443/
shake ann $www:8443 -servername www.agency.example -tls1_2 -sess_out "$lab/session"
shake ann $www:8443 -servername www.agency.example -tls1_2 -sess_in "$lab/session"   # resumed
shake ann $www:443 -servername www.agency.example -tls1_3 -alpn h2,http/1.1,spdy/3
shake ann $www:443 -servername www.agency.example -groups P-521:X25519 -sigalgs ECDSA+SHA256:RSA+SHA256
shake ben 203.0.113.44:443 -servername old.example -tls1 -cipher 'ALL:@SECLEVEL=0'
shake ben 203.0.113.44:443 -servername old.example -tls1_1 -cipher 'ALL:@SECLEVEL=0'
shake ben 203.0.113.44:443 -servername old.example -tls1_2 -cipher 'AES128-SHA:@SECLEVEL=0'
shake ben 203.0.113.44:443 -servername old.example -tls1_2 -cipher 'NULL:ALL:@SECLEVEL=0' -status
shake ben $www:443 -servername old.example -tls1_1 -cipher 'ALL:@SECLEVEL=0'         # refused: alert
shake ben $www:443 -servername other.invalid
printf 'GET / HTTP/1.1\r\nHost: www.agency.example\r\n\r\n' | on ben timeout 2 socat -t 1 - TCP:$www:443 >/dev/null || true
finish nginx curl openssl socat
