#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"

# Remote desktops that demand CredSSP (network level authentication): users it lets in, one whom it does not, and
# clients and servers that cannot agree, in every way that the negotiation can fail.
bridge
host desk 10.20.0.89/24
host old 10.20.0.90/24
host ann 10.20.0.11/24
host eve 10.20.0.66/24

# MD4 of the password in UTF-16: what Windows keeps of it.
nt_hash() { printf '%s' "$1" | iconv -t UTF-16LE | openssl dgst -provider legacy -md4 -r | cut -d' ' -f1; }
printf 'ann:::%s:::\n' "$(nt_hash Invented-Secret-1)" >"$lab/sam"
Xvfb :7 -screen 0 640x480x24 -nolisten tcp >/dev/null 2>&1 &
started+=($!)
wait_for test -S /tmp/.X11-unix/X7
export DISPLAY=:7
bg desk freerdp-shadow-cli /bind-address:10.20.0.89 /port:3389 /sec:nla "/sam-file:$lab/sam"
wait_tcp desk 3389
mkdir -p "$lab/xrdp"
cp -r /etc/xrdp/. "$lab/xrdp/"
xrdp-keygen xrdp "$lab/xrdp/rsakeys.ini" >/dev/null
sed -e 's|^port=.*|port=tcp://10.20.0.90:3389|;0,/^security_layer=/s|^security_layer=.*|security_layer=rdp|' \
  -e "s|^LogFile=.*|LogFile=$lab/xrdp.log|;s|^EnableSyslog=.*|EnableSyslog=0|" /etc/xrdp/xrdp.ini >"$lab/xrdp/old.ini"
mount --bind "$lab/xrdp" /etc/xrdp
bg old xrdp --nodaemon --config "$lab/xrdp/old.ini"
wait_tcp old 3389

capture
desktop() { # HOST SERVER XFREERDP-ARGUMENTS...: a look at a desktop for some seconds
  local host=$1 server=$2
  shift 2
  on "$host" timeout 3 xfreerdp "/v:$server" /cert:ignore /bpp:16 /size:320x240 /network:modem "$@" \
    </dev/null >>"$lab/xfreerdp.log" 2>&1 || true
}
desktop ann 10.20.0.89 /u:ann /p:Invented-Secret-1 /client-hostname:ANN-PC /sec:nla
desktop eve 10.20.0.89 /u:administrator /p:Summer2026 /client-hostname:kali /sec:nla
desktop eve 10.20.0.89 /u:ann /p:x /client-hostname:kali /sec:tls
desktop eve 10.20.0.89 /u:ann /p:x /client-hostname:kali /sec:rdp
desktop eve 10.20.0.90 /u:ann /p:x /client-hostname:kali /sec:nla
desktop eve 10.20.0.90 /u:ann /p:x /client-hostname:kali /sec:tls
finish xrdp xfreerdp
