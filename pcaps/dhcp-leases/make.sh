#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# DHCP: three clients and a server; leases, a renewal, a refusal, a release, and a client that nobody answers.
bridge
host srv 10.20.0.1/24
host ann 0.0.0.0/0
host ben 0.0.0.0/0
host cy 0.0.0.0/0
for who in ann ben cy; do on "$who" ip addr flush dev eth0; done
cat >"$lab/dnsmasq.conf" <<CONF
port=0
user=root
interface=eth0
bind-interfaces
dhcp-range=10.20.0.100,10.20.0.110,255.255.255.0,2m
dhcp-option=option:router,10.20.0.1
dhcp-option=option:dns-server,10.20.0.53,10.20.0.54
dhcp-option=option:domain-name,agency.example
dhcp-option=121,192.0.2.0/24,10.20.0.254
dhcp-option=252,http://10.20.0.1/wpad.dat
dhcp-boot=tag:boot,start.efi,boot.agency.example,10.20.0.2
dhcp-vendorclass=set:boot,PXEClient
dhcp-authoritative
dhcp-leasefile=$lab/leases
pid-file=
log-facility=-
CONF
printf '#!/bin/sh\n[ "$1" = bound ] && ip addr replace "$ip/24" dev "$interface"\nexit 0\n' >"$lab/bound"
chmod +x "$lab/bound"
bg srv dnsmasq -k -C "$lab/dnsmasq.conf"
wait_udp srv 67

capture
lease() { on "$1" timeout 20 busybox udhcpc -i eth0 -q -n -f -s "$lab/bound" "${@:2}" >/dev/null 2>&1 || true; }
lease ann -x hostname:ann-laptop -F ann.agency.example -V udhcp-lab
lease ann -x hostname:ann-laptop -r 10.99.0.5
lease ben -V PXEClient:Arch:00007 -O 66 -O 67
on ben ip addr flush dev eth0
echo 'send host-name "cy-desk"; timeout 15; interface "eth0" { send vendor-class-identifier "lab"; }' >"$lab/dhclient.conf"
dhclient_() { on cy timeout 20 dhclient -4 -cf "$lab/dhclient.conf" -lf "$lab/cy.leases" -pf "$lab/cy.pid" "$@" eth0 >/dev/null 2>&1 || true; }
printf '#!/bin/sh\ncase $reason in BOUND|RENEW|REBOOT) ip addr replace "$new_ip_address/24" dev "$interface";; esac\n' >"$lab/script"
chmod +x "$lab/script"
dhclient_ -1 -sf "$lab/script"
on cy ip addr flush dev eth0
cat >"$lab/cy.leases" <<LEASE
lease { interface "eth0"; fixed-address 10.99.0.5; option subnet-mask 255.255.255.0; option dhcp-lease-time 3600;
  option dhcp-message-type 5; option dhcp-server-identifier 10.99.0.1; renew 4 2037/01/01 00:00:00;
  rebind 4 2037/01/01 00:00:00; expire 4 2037/01/01 00:00:00; }
LEASE
[ ! -f "$lab/cy.pid" ] || kill "$(cat "$lab/cy.pid")"
dhclient_ -1 -sf "$lab/script"
on ann timeout 20 busybox udhcpc -i eth0 -f -R -n -s "$lab/bound" >/dev/null 2>&1 &
client=$!
sleep 1.5
pid=$(pgrep -P "$client" -x udhcpc || pgrep -x -n udhcpc || pgrep -n busybox || true)
[ -z "$pid" ] || { kill -USR1 "$pid"; sleep 1; kill -USR2 "$pid"; sleep 1; kill "$pid"; }
wait "$client" || true
kill "${started[0]}"
sleep 0.3
on ben timeout 8 busybox udhcpc -i eth0 -q -n -f -t 2 -T 1 -s "$lab/bound" >/dev/null 2>&1 || true
finish dnsmasq busybox dhclient
