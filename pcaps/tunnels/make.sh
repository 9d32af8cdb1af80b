#!/usr/bin/env bash
. "$(dirname "$0")/../lib/pypi.sh"
tool=scapy==2.8.0
pypi "$tool"
. "$(dirname "$0")/../lib/lab.sh"

# VXLAN by the kernel; the tunnels that need a switch, or a kernel module that is seldom there, are crafted (make.py).
bridge
host ann 10.70.0.11/24
host ben 10.70.0.12/24
vxlan() {
  on "$1" ip link add vx0 address "$(lab_mac 7 "$4")" type vxlan id 42 dstport 4789 local "$2" remote "$3" dev eth0
  on "$1" sysctl -qw net.ipv6.conf.vx0.disable_ipv6=1
  on "$1" ip addr add "172.20.0.$4/24" dev vx0
  on "$1" ip link set vx0 up
}
vxlan ann 10.70.0.11 10.70.0.12 1
vxlan ben 10.70.0.12 10.70.0.11 2
capture_on wire br0 vxlan.pcap
bg ben python3 -m http.server --bind 172.20.0.2 8080 --directory "$lab/home"
wait_tcp ben 8080
quiet_curl ann http://172.20.0.2:8080/
on ann ping -c 2 -i 0.2 172.20.0.2 >/dev/null
"$python" "$here/make.py" "$here/crafted.pcap"
finish "$tool" curl
