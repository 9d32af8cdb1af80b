#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Two networks with a router between: what ICMP, ICMPv6, ARP and neighbour discovery say.
bridge
host ann 10.20.0.11/24 2001:db8:20::11/64
host ben 10.20.0.12/24 2001:db8:20::12/64
host router 10.20.0.1/24 2001:db8:20::1/64
namespace far
ip link add name up0 address "$(lab_mac 2 1)" netns router type veth peer name eth0 address "$(lab_mac 2 2)" netns far
plain_frames router up0
plain_frames far eth0
addresses far eth0 203.0.113.80/24 2001:db8:80::80/64
addresses router up0 203.0.113.1/24 2001:db8:80::1/64
on router ip route del default
on router ip -6 route del default || true
on router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
on ann ip route replace default via 10.20.0.1
on ann ip -6 route replace default via 2001:db8:20::1
on far ip route replace default via 203.0.113.1
on far ip -6 route replace default via 2001:db8:80::1
on router ip link set up0 mtu 1300
on router ip route add unreachable 192.0.2.0/25
on router ip route add prohibit 192.0.2.128/25
on router ip -6 route add unreachable 2001:db8:dead::/48

capture
try() { on ann timeout 8 "$@" >/dev/null 2>&1 || true; }
try ping -c 3 -i 0.2 10.20.0.12
try ping -c 3 -i 0.2 203.0.113.80
try ping -c 2 -i 0.2 -s 4000 10.20.0.12          # fragments
try ping -c 2 -i 0.2 -s 4000 203.0.113.80
try ping -c 1 -W 1 -M do -s 1400 203.0.113.80    # fragmentation needed
try ping -c 1 -W 1 -R 203.0.113.80               # record route option
try ping -c 1 -W 1 -T tsandaddr 203.0.113.80     # time stamp option
try ping -c 1 -W 1 -t 1 203.0.113.80             # time exceeded
try ping -c 1 -W 1 192.0.2.1                     # host unreachable
try ping -c 1 -W 1 192.0.2.200                   # prohibited
try ping -c 2 -i 0.3 -W 1 10.20.0.99             # nobody answers ARP
try ping -6 -c 3 -i 0.2 2001:db8:20::12
try ping -6 -c 2 -i 0.2 -s 4000 2001:db8:20::12
try ping -6 -c 2 -i 0.2 -s 3000 2001:db8:80::80  # fragments, packet too big
try ping -6 -c 1 -W 1 -t 1 2001:db8:80::80
try ping -6 -c 1 -W 1 2001:db8:dead::1
try ping -6 -c 2 -i 0.2 ff02::1%eth0
try arping -c 2 -I eth0 10.20.0.12
try arping -U -c 2 -I eth0 10.20.0.11            # gratuitous
try arping -D -c 1 -I eth0 10.20.0.12            # is the address taken?
try ndisc6 -r 1 2001:db8:20::12 eth0
try traceroute -n -q 1 -w 1 -m 4 203.0.113.80
try traceroute -n -q 1 -w 1 -m 4 -I 203.0.113.80
try traceroute -n -q 1 -w 1 -m 4 -T -p 81 203.0.113.80
try traceroute -6 -n -q 1 -w 1 -m 4 2001:db8:80::80
try dig +tries=1 +timeout=1 @203.0.113.80 www.agency.example       # port unreachable
try dig +tries=1 +timeout=1 @2001:db8:80::80 www.agency.example
head -c 5000 /dev/zero | on ann timeout 3 socat -u - UDP:203.0.113.80:9999 || true
finish ping arping traceroute ndisc6 dig socat
