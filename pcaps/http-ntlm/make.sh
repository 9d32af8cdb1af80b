#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"

# NTLM in HTTP: within Negotiate at a web server that lets users of a file in, bare at a proxy (whose helper believes every
# password). Log-ins that succeed, wrong passwords, several requests on one connection, and a scan for the server's names.
bridge
host web 10.20.0.80/24
host proxy 10.20.0.81/24
host ann 10.20.0.11/24
host eve 10.20.0.66/24

printf 'AGENCY:ann:Invented-Secret-1\nAGENCY:bob:Invented-Secret-2\n' >"$lab/users"
printf 'AGENCY:ann:Invented-Secret-1\n' >"$lab/ann.users"
printf 'AGENCY:ann:Summer2026\n' >"$lab/eve.users"
printf 'AGENCY:administrator:Summer2026\n' >"$lab/admin.users"
chmod 644 "$lab"/*users
mkdir -p "$lab/site/private"
chmod -R 755 "$lab" "$lab/site"
echo '<p>An invented page.' >"$lab/site/private/index.html"
modules=/usr/lib/apache2/modules
{
  for name in mpm_event authn_core authz_core authz_user dir unixd auth_gssapi; do
    echo "LoadModule ${name}_module $modules/mod_$name.so"
  done
  cat <<CONF
ServerRoot $lab
ServerName web.agency.test
PidFile $lab/apache.pid
ErrorLog $lab/apache.log
User www-data
Group www-data
Listen 10.20.0.80:80
DocumentRoot $lab/site
<Location /private>
  AuthType GSSAPI
  AuthName "invented"
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  Require valid-user
</Location>
CONF
} >"$lab/apache.conf"
[ -e "$modules/mod_unixd.so" ] || sed -i /unixd/d "$lab/apache.conf"
export NTLM_USER_FILE=$lab/users NETBIOS_COMPUTER_NAME=WEB NETBIOS_DOMAIN_NAME=AGENCY
bg web apache2 -f "$lab/apache.conf" -DFOREGROUND
wait_tcp web 80

cat >"$lab/squid.conf" <<CONF
http_port 10.20.0.81:3128
auth_param ntlm program /usr/lib/squid/ntlm_fake_auth
auth_param ntlm children 2 startup=1
acl users proxy_auth REQUIRED
http_access allow users
http_access deny all
cache deny all
access_log none
cache_log $lab/squid-cache.log
pid_filename none
visible_hostname proxy.agency.test
shutdown_lifetime 1 seconds
CONF
touch "$lab/squid-cache.log"
chmod 666 "$lab/squid-cache.log"
bg proxy squid -N -f "$lab/squid.conf"
wait_tcp proxy 3128

capture
page=http://10.20.0.80/private/
get() { quiet_curl "$@" -o /dev/null -A 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'; }
NTLM_USER_FILE=$lab/ann.users get ann --negotiate -u : $page "$page?second"
NTLM_USER_FILE=$lab/eve.users get eve --negotiate -u : $page
NTLM_USER_FILE=$lab/admin.users get eve --negotiate -u : $page
get eve $page
# The web server offers bare NTLM and refuses what these say.
get eve --ntlm -u 'AGENCY\ann:Summer2026' $page
through=(--proxy http://10.20.0.81:3128 --proxy-ntlm)
get ann "${through[@]}" --proxy-user 'AGENCY\ann:Invented-Secret-1' http://10.20.0.80/ "http://10.20.0.80/?second"
get ann "${through[@]}" --proxy-user 'AGENCY\bob:Invented-Secret-2' http://10.20.0.80/
get eve --proxy http://10.20.0.81:3128 http://10.20.0.80/
on eve nmap -n -Pn -p 3128 --script http-ntlm-info --script-args http-ntlm-info.root=http://10.20.0.80/ 10.20.0.81 >/dev/null 2>&1 || true
finish apache2 squid curl nmap
