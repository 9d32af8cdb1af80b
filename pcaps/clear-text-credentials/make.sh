#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Log-ins in clear text, with invented names and passwords: FTP, HTTP Basic, POP3, SMTP, telnet.
bridge
host srv 203.0.113.21/24
host ann 10.20.0.11/24
host ben 10.20.0.12/24
mkdir -p "$lab/ftp"
echo "a small file" >"$lab/ftp/readme.txt"
echo 'ann:Invented-Secret-1' >"$lab/passwords"
make_site "$lab/site"
printf 'ann:%s\n' "$(openssl passwd -apr1 Invented-Secret-1)" >"$lab/htpasswd"
nginx_on srv 80 <<CONF
server { listen 80; root $lab/site;
  location / { auth_basic "staff"; auth_basic_user_file $lab/htpasswd; }
  location /login { auth_basic off; return 302 /; } }
CONF
bg srv /usr/bin/python3 -m pyftpdlib -i 203.0.113.21 -p 21 -u ann -P Invented-Secret-1 -d "$lab/ftp"
wait_tcp srv 21
mail_on srv 203.0.113.21 ann Invented-Secret-1
twisted_on srv 23 manhole --telnetPort tcp:23 --passwd "$lab/passwords"

capture
quiet_curl ann -u ann:Invented-Secret-1 http://203.0.113.21/index.html
quiet_curl ann -u ann:wrong http://203.0.113.21/index.html
quiet_curl ann --digest -u ann:Invented-Secret-1 http://203.0.113.21/index.html
quiet_curl ann -d 'username=ann&password=Invented-Secret-1' http://203.0.113.21/login
quiet_curl ann -u ann:Invented-Secret-1 ftp://203.0.113.21/
quiet_curl ann -u ann:Invented-Secret-1 ftp://203.0.113.21/readme.txt
quiet_curl ann -u ann:Invented-Secret-1 -P - ftp://203.0.113.21/readme.txt
quiet_curl ben -u ann:wrong ftp://203.0.113.21/
quiet_curl ben ftp://203.0.113.21/
quiet_curl ann --login-options AUTH=+LOGIN -u ann@agency.example:Invented-Secret-1 pop3://203.0.113.21/
quiet_curl ben -u ann@agency.example:wrong pop3://203.0.113.21/
on ann timeout 10 swaks --to ann@agency.example --from ben@agency.example --server 203.0.113.21 --auth LOGIN --auth-user ann \
  --auth-password Invented-Secret-1 --helo ann.agency.example >/dev/null 2>&1 || true
{ sleep 0.5; printf 'ann\r\n'; sleep 0.5; printf 'Invented-Secret-1\r\n'; sleep 0.5; printf '1 + 1\r\n'; sleep 0.5; } |
  on ann timeout 5 socat -t 1 - TCP:203.0.113.21:23 >/dev/null 2>&1 || true
finish nginx twistd3 dovecot curl swaks socat
