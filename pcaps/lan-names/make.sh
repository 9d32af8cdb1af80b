#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"

# Names on a LAN without a server: multicast DNS (avahi), LLMNR (llmnrd, and a client made for this capture), NetBIOS
# (Samba's nmbd and nmblookup).
bridge
host ann 10.60.0.11/24 2001:db8:60::11/64
host ben 10.60.0.12/24 2001:db8:60::12/64
mkdir -p /run/dbus "$lab/samba" /run/avahi-daemon
bg wire dbus-daemon --system --nofork --nopidfile
wait_for test -S /run/dbus/system_bus_socket

avahi_on() {
  cat >"$lab/avahi-$1.conf" <<CONF
[server]
host-name=$1
domain-name=local
use-ipv4=yes
use-ipv6=yes
enable-dbus=$2
[publish]
publish-workstation=yes
[reflector]
CONF
  bg "$1" avahi-daemon -f "$lab/avahi-$1.conf" --no-drop-root --no-chroot --no-rlimits --debug
}

nmbd_on() {
  mkdir -p "$lab/samba/$1"
  cat >"$lab/samba/$1.conf" <<CONF
[global]
workgroup = LABGROUP
netbios name = $1
interfaces = eth0
bind interfaces only = yes
local master = yes
preferred master = ${3:-no}
wins support = ${3:-no}
wins server = ${4:-}
nmbd:socket dir = $lab/samba/$1/socket
pid directory = $lab/samba/$1
lock directory = $lab/samba/$1
state directory = $lab/samba/$1
cache directory = $lab/samba/$1
private dir = $lab/samba/$1
log file = $lab/samba/$1.log
CONF
  bg "$2" nmbd --foreground --no-process-group --debug-stdout --configfile="$lab/samba/$1.conf"
}

capture
avahi_on ann yes
sleep 1
on ann avahi-browse -at >/dev/null || true
on ann avahi-resolve -n ann.local >/dev/null || true
on ann avahi-publish-service office-printer _ipp._tcp 631 "note=2nd floor" >/dev/null 2>&1 &
started+=($!)
sleep 1
bg ben python3 "$here/asker.py" mdns
sleep 2

bg ben llmnrd -H benhost -i eth0 -6
sleep 0.5
on ann python3 "$here/asker.py" llmnr benhost
on ann python3 "$here/asker.py" llmnr wpad

nmbd_on SRV1 ann yes
sleep 1
nmbd_on PC2 ben no 10.60.0.11
sleep 4
look() { on ben nmblookup --configfile="$lab/samba/PC2.conf" "$@" >/dev/null || true; }
look SRV1
look -A 10.60.0.11
look --recursion --unicast=10.60.0.11 "SRV1#20"
look 'LABGROUP#1d'
look NOBODY
sleep 1
finish avahi-daemon nmbd nmblookup
