#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# HTTP and DNS over IPv6, plain and behind extension headers.
bridge
host srv 2001:db8:80::80/64
host ann 2001:db8:20::11/64
host ben 2001:db8:20::12/64
make_site "$lab/site"
nginx_on srv 80 <<<"server { listen [::]:80; root $lab/site; }"
named_on srv 203.0.113.53 <<<'www.agency.example. IN AAAA 2001:db8:80::80'
resolver 2001:db8:80::80

capture
for client in ann ben; do
  quiet_curl "$client" http://www.agency.example/index.html
  quiet_curl "$client" 'http://[2001:db8:80::80]/report.txt'
  on "$client" dig @2001:db8:80::80 www.agency.example AAAA >/dev/null
  on "$client" dig +tcp @2001:db8:80::80 www.agency.example AAAA >/dev/null
done
on ann dig @2001:db8:80::80 -x 2001:db8:80::80 >/dev/null
# The kernel puts the extension headers that a socket asks for before the datagram.
on ann python3 "$lib/send6.py" 2001:db8:80::80 hop-by-hop destination both
on ann ping -6 -c 2 -i 0.2 -s 3000 2001:db8:80::80 >/dev/null
finish nginx named curl dig ping
