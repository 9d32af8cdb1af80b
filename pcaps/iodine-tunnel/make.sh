#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# IP over DNS: the client tunnels through the resolver of its network, as an intruder would.
bridge
host rec 10.20.0.53/24
host evil 198.51.100.66/24
host ann 10.20.0.11/24
bg evil iodined -f -c -P lab-only -n 198.51.100.66 10.99.0.1 t.tunnel.example
wait_udp evil 53
bg rec dnsmasq -k -C /dev/null --pid-file= --user=root --no-resolv --no-hosts --cache-size=0 --server=198.51.100.66
wait_udp rec 53
make_site "$lab/site"
nginx_on evil 8080 <<<"server { listen 8080; root $lab/site; }"

capture
bg ann iodine -f -r -P lab-only -m 400 10.20.0.53 t.tunnel.example
wait_for on ann ip route get 10.99.0.1 oif dns0
wait_for on ann ping -c 1 -W 2 -I dns0 10.99.0.1
on ann ping -c 8 -i 0.3 -s 200 10.99.0.1 >/dev/null
quiet_curl ann http://10.99.0.1:8080/index.html
quiet_curl ann http://10.99.0.1:8080/logo.png
on ann dig +tries=1 @10.20.0.53 z.t.tunnel.example NULL >/dev/null || true
finish iodine iodined dnsmasq nginx
