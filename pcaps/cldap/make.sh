#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"

# A domain controller that is asked over datagrams who it is (the "netlogon ping", MS-ADTS 6.3.3), as members of a domain
# and intruders ask.
bridge
host dc 10.20.0.53/24
host ann 10.20.0.11/24
host eve 10.20.0.66/24

mkdir -p "$lab/dc"
hostname dc1
samba-tool domain provision --realm=AGENCY.TEST --domain=AGENCY --host-name=dc1 --host-ip=10.20.0.53 --server-role=dc \
  --dns-backend=NONE --adminpass=Invented-Secret-9 --targetdir="$lab/dc" >"$lab/provision.log" 2>&1
bg dc samba -i -M single -s "$lab/dc/etc/smb.conf" --option='server services=ldap cldap' \
  --option='bind interfaces only=yes' --option='interfaces=10.20.0.53/24'
wait_udp dc 389

capture
as() { on "$@" >>"$lab/clients.log" 2>&1 || true; }
as ann net ads lookup -S 10.20.0.53 -s /dev/null
as ann net ads lookup -S 10.20.0.53 -s /dev/null --option='realm=AGENCY.TEST' --option='workgroup=AGENCY'
as ann samba-tool domain info 10.20.0.53 --configfile=/dev/null
as eve nmap -n -Pn -sU -p 389 --script ldap-rootdse 10.20.0.53
finish samba nmap
