#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# A tap that sees one direction only: HTTP, TLS and DNS from the client, and the same from the server.
bridge
host www 203.0.113.80/24
host ann 10.20.0.11/24
make_ca
make_cert www.agency.example 20
make_site "$lab/site"
nginx_on www 80 <<CONF
server { listen 80; root $lab/site; }
server { listen 443 ssl http2; root $lab/site; ssl_certificate $lab/www.agency.example.pem; ssl_certificate_key $lab/www.agency.example.key; }
CONF
named_on www 203.0.113.80 <<<'www.agency.example. IN A 203.0.113.80'
resolver 203.0.113.80

capture_on wire br0 from-client.pcap src host 10.20.0.11
capture_on wire br0 from-server.pcap src host 203.0.113.80
quiet_curl ann http://www.agency.example/index.html http://www.agency.example/report.txt
quiet_curl ann http://www.agency.example/missing
quiet_curl ann -k --tls-max 1.2 https://www.agency.example/news.html
quiet_curl ann -k https://www.agency.example/contact.html
on ann dig @203.0.113.80 nowhere.agency.example >/dev/null
on ann ping -c 2 -i 0.2 203.0.113.80 >/dev/null
finish nginx named curl dig
