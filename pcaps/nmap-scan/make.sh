#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# One scanner against one server with a web server, a TLS port, and a port that is filtered by silence.
bridge
host srv 203.0.113.80/24
host evil 198.51.100.66/24
make_ca
make_cert www.agency.example 20
make_site "$lab/site"
nginx_on srv 80 <<CONF
server { listen 80 default_server; root $lab/site; }
server { listen 443 ssl; server_name www.agency.example; root $lab/site;
  ssl_certificate $lab/www.agency.example.pem; ssl_certificate_key $lab/www.agency.example.key; }
CONF
named_on srv 203.0.113.80 <<<'www.agency.example. IN A 203.0.113.80'

capture
scan() { on evil timeout 60 nmap -n --max-retries 1 --host-timeout 50s "$@" 203.0.113.80 >/dev/null; }
scan -sS -Pn -p 1-1000
scan -sT -Pn -p 21-25,53,80,110,143,443,445,3306,3389,8080
scan -sU -Pn -p 53,123,161,500 --max-retries 0
scan -sF -Pn -p 79-82
scan -sX -Pn -p 79-82
scan -sN -Pn -p 79-82
scan -sA -Pn -p 79-82
scan -sV --version-light -Pn -p 53,80,443
scan -O --osscan-limit -Pn -p 80,81
scan -Pn -p 80 --script http-title,http-headers,http-methods,http-robots.txt,http-git,http-webdav-scan,http-php-version
scan -Pn -p 443 --script ssl-enum-ciphers,ssl-cert
on evil timeout 60 nmap -n -sn 203.0.113.64/27 >/dev/null
finish nmap nginx named
