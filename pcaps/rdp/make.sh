#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Remote desktops: TLS, RDP's own security at each level, refusals, a routing token, from two kinds of client.
bridge
host desk 10.20.0.89/24
host ann 10.20.0.11/24
host eve 10.20.0.66/24
make_ca
make_cert desk.agency.test 20
openssl genrsa -out "$lab/rsa.key" 2048 2>/dev/null
mkdir -p "$lab/xrdp"
cp -r /etc/xrdp/. "$lab/xrdp/"
xrdp-keygen xrdp "$lab/xrdp/rsakeys.ini" >/dev/null
server_on() { # PORT SECURITY-LAYER LEVEL
  sed -e "s|^port=.*|port=tcp://10.20.0.89:$1|;0,/^security_layer=/s|^security_layer=.*|security_layer=$2|" \
    -e "s|^crypt_level=.*|crypt_level=$3|;s|^certificate=.*|certificate=$lab/desk.agency.test.pem|" \
    -e "s|^key_file=.*|key_file=$lab/desk.agency.test.key|;s|^LogFile=.*|LogFile=$lab/xrdp-$1.log|" \
    -e 's|^EnableSyslog=.*|EnableSyslog=0|' /etc/xrdp/xrdp.ini >"$lab/xrdp/$1.ini"
  bg desk xrdp --nodaemon --config "$lab/xrdp/$1.ini"
  wait_tcp desk "$1"
}
mount --bind "$lab/xrdp" /etc/xrdp
server_on 3389 negotiate high
server_on 3390 rdp high
server_on 3391 rdp low
server_on 3392 rdp none
server_on 3393 tls high
Xvfb :7 -screen 0 800x600x24 -nolisten tcp >/dev/null 2>&1 &
started+=($!)
wait_for test -S /tmp/.X11-unix/X7
export DISPLAY=:7

capture
desktop() { # HOST PORT XFREERDP-ARGUMENTS...: a look at a desktop for some seconds
  local host=$1 port=$2
  shift 2
  on "$host" timeout 3 xfreerdp "/v:10.20.0.89:$port" /cert-ignore /p:Invented-Secret-1 /bpp:16 /network:modem "$@" \
    </dev/null >>"$lab/xfreerdp.log" 2>&1 || true
}
desktop ann 3389 /u:ann /client-hostname:ANN-PC /size:800x600 /sec:tls
desktop ann 3390 /u:ann /client-hostname:ANN-PC /size:640x480 /sec:rdp /kbd:0x00000406 +clipboard
desktop ann 3391 /u:ann /client-hostname:ANN-PC /size:640x480 /sec:rdp
desktop ann 3392 /u:ann /d:AGENCY /client-hostname:ANN-PC /size:640x480 /sec:rdp
desktop eve 3390 /u:administrator /client-hostname:kali /size:640x480 /sec:tls
desktop eve 3393 /u:administrator /client-hostname:kali /size:640x480 /sec:rdp
desktop eve 3389 /u:administrator /client-hostname:kali /size:640x480 /sec:nla
desktop eve 3389 /u:administrator /client-hostname:kali /size:640x480 /sec:tls '/load-balance-info:Cookie: msts=3640205228.15629.0000'
on eve nmap -n -Pn -p 3389 --script rdp-enum-encryption 10.20.0.89 >/dev/null 2>&1 || true
on eve nmap -n -Pn -p 3393 --script rdp-enum-encryption 10.20.0.89 >/dev/null 2>&1 || true
finish xrdp nmap
