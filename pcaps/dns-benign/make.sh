#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Clients ask a recursive resolver (unbound), which asks an authoritative server (BIND); one client
# also asks BIND itself. The capture sees both sides.
bridge
host auth 203.0.113.53/24
host rec 10.20.0.53/24
host ann 10.20.0.11/24
host ben 10.20.0.12/24

mkdir -p "$lab/signed"
( cd "$lab/signed"
  dnssec-keygen -q -a ECDSAP256SHA256 signed.example >/dev/null
  dnssec-keygen -q -a ECDSAP256SHA256 -f KSK signed.example >/dev/null
  { printf '$TTL 300\n@ IN SOA ns.lab.example. hostmaster.lab.example. 1 3600 600 86400 60\n@ IN NS ns.lab.example.\n'
    printf 'www IN A 203.0.113.80\nwww IN AAAA 2001:db8:80::80\n'; cat ./*.key; } >zone
  dnssec-signzone -q -x -3 abcd -o signed.example -f zone.signed zone >/dev/null )

named_on auth 203.0.113.53 "zone \"signed.example\" { type primary; file \"$lab/signed/zone.signed\"; };" <<ZONE
agency.example. IN A 203.0.113.80
agency.example. IN MX 10 mx1.agency.example.
agency.example. IN MX 20 mx2.agency.example.
agency.example. IN TXT "v=spf1 mx -all"
agency.example. IN TXT "a second" "in two strings"
agency.example. IN CAA 0 issue "ca.example"
www.agency.example. IN A 203.0.113.80
www.agency.example. IN AAAA 2001:db8:80::80
mx1.agency.example. IN A 203.0.113.25
mx2.agency.example. IN A 203.0.113.26
intranet.agency.example. IN CNAME portal.agency.example.
portal.agency.example. IN CNAME www.agency.example.
_ldap._tcp.agency.example. IN SRV 0 5 389 dc1.agency.example.
_sip._udp.agency.example. IN NAPTR 100 10 "u" "E2U+sip" "!^.*\$!sip:info@agency.example!" .
_443._tcp.www.agency.example. IN TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
host1.agency.example. IN SSHFP 4 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
svc.agency.example. IN HTTPS 1 . alpn=h2,h3 port=443
svc.agency.example. IN SVCB 1 www.agency.example. port=8443
hw.agency.example. IN HINFO "PC" "Linux"
loc.agency.example. IN LOC 55 40 34 N 12 34 6 E 10m
*.wild.agency.example. IN A 203.0.113.90
80.113.0.203.in-addr.arpa. IN PTR www.agency.example.
odd.agency.example. IN TYPE65280 \\# 4 0a000001
xn--rdgrd-med-flde-fub2jza.example. IN A 203.0.113.91
$(for n in $(seq 60); do echo "big.agency.example. IN A 198.51.100.$n"; done)
ZONE
unbound_on rec 10.20.0.53 203.0.113.53

capture
for type in A AAAA MX TXT SOA NS CAA; do on ann dig +tries=1 @10.20.0.53 agency.example "$type"; done >/dev/null
for type in A AAAA; do on ben dig +tries=1 @10.20.0.53 www.agency.example "$type"; done >/dev/null
on ben dig @10.20.0.53 intranet.agency.example A >/dev/null
on ben dig @10.20.0.53 _ldap._tcp.agency.example SRV >/dev/null
on ben dig @10.20.0.53 _sip._udp.agency.example NAPTR >/dev/null
on ann dig @10.20.0.53 _443._tcp.www.agency.example TLSA >/dev/null
on ann dig @10.20.0.53 host1.agency.example SSHFP >/dev/null
on ann dig @10.20.0.53 svc.agency.example HTTPS >/dev/null
on ann dig @10.20.0.53 svc.agency.example SVCB >/dev/null
on ann dig @10.20.0.53 hw.agency.example HINFO >/dev/null
on ann dig @10.20.0.53 loc.agency.example LOC >/dev/null
on ann dig @10.20.0.53 odd.agency.example TYPE65280 >/dev/null
on ann dig @10.20.0.53 any-name.wild.agency.example A >/dev/null
on ann dig +noidnin @10.20.0.53 xn--rdgrd-med-flde-fub2jza.example A >/dev/null
on ann dig @10.20.0.53 -x 203.0.113.80 >/dev/null
on ann dig @10.20.0.53 nowhere.agency.example A >/dev/null
on ann dig @10.20.0.53 WwW.AgEnCy.ExAmPlE A >/dev/null
on ann dig +tcp @10.20.0.53 www.agency.example A >/dev/null
on ben dig +noedns @10.20.0.53 www.agency.example A >/dev/null
on ben dig +noedns @203.0.113.53 big.agency.example A >/dev/null       # truncated, again over TCP
on ben dig +bufsize=4096 @203.0.113.53 big.agency.example A >/dev/null
on ben dig +dnssec @203.0.113.53 www.signed.example A >/dev/null
on ben dig +dnssec +bufsize=4096 @203.0.113.53 signed.example DNSKEY >/dev/null
on ben dig +dnssec @203.0.113.53 no.signed.example A >/dev/null        # NSEC3
on ben dig +nsid +cookie=0102030405060708 +subnet=10.20.0.0/24 @203.0.113.53 agency.example A >/dev/null
on ben dig +norecurse +cdflag +adflag @203.0.113.53 agency.example A >/dev/null
on ben dig +noedns +opcode=STATUS +tries=1 @203.0.113.53 agency.example >/dev/null || true
on ben dig @203.0.113.53 CH TXT version.bind >/dev/null
on ben dig +tcp +keepopen @203.0.113.53 agency.example MX agency.example NS www.agency.example A >/dev/null
on ann dig @203.0.113.53 -p 5353 +tries=1 +timeout=1 agency.example >/dev/null || true   # no server: ICMP
finish dig named unbound
