#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# The same kinds of traffic under the other link types: cooked captures on "any", raw IP on a
# tun device, and the loopback.
bridge
host www 203.0.113.80/24
host ann 10.20.0.11/24 2001:db8:20::11/64
make_site "$lab/site"
cable pair t0 t1 --tun
plug t0 near 0 10.40.0.1/24 2001:db8:40::1/64
plug t1 remote 0 10.40.0.2/24 2001:db8:40::2/64
server="server { listen 80; listen [::]:80; root $lab/site; }"
nginx_on www 80 <<<"$server"
nginx_on remote 80 <<<"$server"
nginx_on ann 80 <<<"$server"
named_on www 203.0.113.80 <<<'www.agency.example. IN A 203.0.113.80'
named_on remote 10.40.0.2 <<<'www.agency.example. IN A 10.40.0.2'

capture_on ann any sll.pcap -y LINUX_SLL
capture_on ann any sll2.pcap -y LINUX_SLL2
capture_on near tun0 raw-ip.pcap
on ann ip link set lo mtu 1500
capture_on ann lo loopback-ethernet.pcap
quiet_curl ann http://203.0.113.80/index.html
on ann dig +tries=1 @203.0.113.80 www.agency.example >/dev/null
on ann ping -c 2 -i 0.2 203.0.113.80 >/dev/null
quiet_curl ann http://127.0.0.1/news.html
quiet_curl ann 'http://[::1]/contact.html'
quiet_curl near http://10.40.0.2/index.html
quiet_curl near 'http://[2001:db8:40::2]/news.html'
on near dig +tries=1 @10.40.0.2 www.agency.example >/dev/null
on near ping -c 2 -i 0.2 10.40.0.2 >/dev/null
keep() {
  local one
  sleep 0.6
  for one in "${captures[@]}"; do stop_capture "$one"; done
}
keep
# Linux has no device of these two types: they are made from the raw-IP capture.
python3 "$lib/convert.py" null "$here/raw-ip.pcap" "$here/null.pcap"
python3 "$lib/convert.py" loop "$here/raw-ip.pcap" "$here/loop.pcap"
stamp nginx named curl dig ping
