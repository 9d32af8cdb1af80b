#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Certificates in clear (TLS 1.2): chains, expired, not yet valid, self-signed, weak, with many kinds of keys; a client's own.
bridge
host www 203.0.113.43/24
host ann 10.20.0.11/24
cat >"$lab/ca.cnf" <<CONF
[ca]
default_ca = lab
[lab]
database = $lab/index.txt
new_certs_dir = $lab
default_md = sha256
policy = any
rand_serial = yes
copy_extensions = copy
unique_subject = no
[any]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
emailAddress = optional
[authority]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
[server]
basicConstraints = CA:false
keyUsage = digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth,1.3.6.1.4.1.311.10.3.3
subjectAltName = DNS:www.agency.example,DNS:*.agency.example,IP:203.0.113.43,IP:2001:db8::43,email:web@agency.example,URI:https://agency.example/
[client]
extendedKeyUsage = clientAuth,emailProtection
CONF
: >"$lab/index.txt"
root='/C=DK/O=Lab/OU=Trust/CN=Lab Root'
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "$root" -keyout "$lab/root.key" -out "$lab/root.pem" 2>/dev/null
make_key() { # NAME OPTIONS
  openssl genpkey -quiet -out "$lab/$1.key" "${@:2}" 2>/dev/null || openssl genpkey -out "$lab/$1.key" "${@:2}" 2>/dev/null
}
sign() { # NAME SUBJECT SECTION FROM TO AUTHORITY [OPTIONS]
  openssl req -new -key "$lab/$1.key" -subj "$2" -out "$lab/$1.csr"
  openssl ca -batch -notext -config "$lab/ca.cnf" -extensions "$3" -startdate "$4" -enddate "$5" -cert "$lab/$6.pem" \
    -keyfile "$lab/$6.key" -in "$lab/$1.csr" -out "$lab/$1.pem" "${@:7}" 2>/dev/null
}
then_=20200101000000Z soon=20991231235959Z
make_key middle -algorithm EC -pkeyopt ec_paramgen_curve:P-384
sign middle '/C=DK/ST=Hovedstaden/L=København/O=Lab/OU=Trust/OU=Online/CN=Lab Middle' authority $then_ $soon root -utf8 ||
  sign middle '/C=DK/ST=Hovedstaden/L=Kobenhavn/O=Lab/OU=Trust/OU=Online/CN=Lab Middle' authority $then_ $soon root
make_key chain -algorithm EC -pkeyopt ec_paramgen_curve:P-256
sign chain '/C=DK/O=Agency/CN=www.agency.example' server $then_ 20300101000000Z middle
cat "$lab/middle.pem" "$lab/root.pem" >"$lab/chain.more"
make_key expired -algorithm RSA -pkeyopt rsa_keygen_bits:3072
sign expired '/O=Agency/CN=expired.agency.example' server $then_ 20210101000000Z root -md sha384
make_key future -algorithm ED25519
sign future '/O=Agency/CN=future.agency.example' server 20900101000000Z $soon root
make_key weak -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -pkeyopt rsa_keygen_pubexp:3
sign weak '/CN=weak.agency.example' server $then_ $soon root -md sha1
make_key curve -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1
sign curve '/CN=curve.agency.example' server $then_ $soon root -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32
make_key self -algorithm RSA -pkeyopt rsa_keygen_bits:2048
openssl req -x509 -key "$lab/self.key" -days 3650 -subj '/O=Acme Co/CN=self.example' -set_serial 0x08BB00EE -sha512 -out "$lab/self.pem"
make_key ann -algorithm RSA -pkeyopt rsa_keygen_bits:2048
sign ann '/O=Agency/CN=Ann/emailAddress=ann@agency.example' client $then_ $soon root
serve() { # PORT NAME OPTIONS
  bg www openssl s_server -accept "$1" -tls1_2 -www -cert "$lab/$2.pem" -key "$lab/$2.key" -cipher 'ALL:@SECLEVEL=0' "${@:3}"
  wait_tcp www "$1"
}
serve 443 chain -cert_chain "$lab/chain.more"
serve 4431 expired
serve 4432 future
serve 4433 weak
serve 4434 curve -groups P-256:secp256k1
serve 4435 self
serve 4436 chain -Verify 2 -CAfile "$lab/root.pem"

capture
shake() { # PORT NAME OPTIONS
  printf 'GET / HTTP/1.0\r\n\r\n' | on ann timeout 3 openssl s_client -connect "203.0.113.43:$1" -servername "$2" -tls1_2 \
    -cipher 'ALL:@SECLEVEL=0' -ign_eof "${@:3}" >/dev/null 2>&1 || true
}
shake 443 www.agency.example
shake 4431 expired.agency.example
shake 4432 future.agency.example
shake 4433 weak.agency.example
shake 4434 curve.agency.example -groups P-256:secp256k1
shake 4435 self.example
shake 4436 www.agency.example -cert "$lab/ann.pem" -key "$lab/ann.key"
finish openssl
