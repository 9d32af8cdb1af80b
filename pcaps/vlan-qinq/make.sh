#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Two networks on one trunk: VLAN 10 with one tag, VLAN 30 inside service VLAN 20 with two.
# The tags are put on and taken off by lib/wire.py at both ends, so no 802.1Q driver is needed.
quiet_ipv6 wire 1
ip link add name trunk0 address "$(lab_mac 1 1)" mtu 1522 type veth peer name trunk1 address "$(lab_mac 1 2)" mtu 1522
for end in trunk0 trunk1; do plain_frames wire "$end"; ip link set "$end" up; done
cable trunk trunk0 a10=8100:10 a30=88a8:20.8100:30
cable trunk trunk1 b10=8100:10 b30=88a8:20.8100:30
plug a10 ann 11 10.20.0.11/24
plug b10 srv10 12 203.0.113.80/24
plug a30 ben 13 10.30.0.11/24 2001:db8:30::11/64
plug b30 srv30 14 203.0.113.80/24 2001:db8:80::80/64
make_site "$lab/site"
for server in srv10 srv30; do
  nginx_on "$server" 80 <<<"server { listen 80; listen [::]:80; root $lab/site; }"
  named_on "$server" 203.0.113.80 <<<'www.agency.example. IN A 203.0.113.80'
done
resolver 203.0.113.80

capture_on wire trunk1 vlan-qinq.pcap
for client in ann ben; do
  quiet_curl "$client" http://www.agency.example/index.html
  quiet_curl "$client" http://www.agency.example/report.txt
  on "$client" ping -c 2 -i 0.2 203.0.113.80 >/dev/null
done
quiet_curl ben 'http://[2001:db8:80::80]/news.html'
finish nginx named curl ping
