#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Six people at work for two minutes: pages, secure pages, updates, mail, time, names. No rule may fire.
bridge
host web 203.0.113.80/24
host mx 203.0.113.25/24
host dns 203.0.113.53/24
host rec 10.20.0.53/24
for n in 1 2 3 4 5 6; do host "pc$n" "10.20.0.1$n/24"; done
make_ca
make_cert www.agency.example 20 DNS:www.agency.example,DNS:intranet.agency.example,DNS:news.example
make_site "$lab/site"
mkdir -p "$lab/site/debian/dists/stable/main"
gzip -9nc "$lab/site/report.txt" >"$lab/site/debian/dists/stable/main/Packages.gz"
cp "$lab/site/report.txt" "$lab/site/debian/dists/stable/InRelease"
nginx_on web 443 <<CONF
server { listen 80; root $lab/site; gzip on; location /ocsp { return 200 "good"; } }
server { listen 443 ssl http2; root $lab/site; ssl_certificate $lab/www.agency.example.pem; ssl_certificate_key $lab/www.agency.example.key; }
CONF
mail_on mx 203.0.113.25 ann Invented-Secret-3
named_on dns 203.0.113.53 <<ZONE
www.agency.example. IN A 203.0.113.80
intranet.agency.example. IN CNAME www.agency.example.
news.example. IN A 203.0.113.80
updates.example. IN A 203.0.113.80
mx.agency.example. IN A 203.0.113.25
agency.example. IN MX 10 mx.agency.example.
time.agency.example. IN A 203.0.113.53
53.113.0.203.in-addr.arpa. IN PTR time.agency.example.
ZONE
unbound_on rec 10.20.0.53 203.0.113.53
resolver 10.20.0.53
printf 'local stratum 8\nallow all\nport 123\ncmdport 0\nbindcmdaddress /\npidfile /run/lab/chronyd.pid\n' >"$lab/chrony-server.conf"
bg dns chronyd -x -d -U -u root -f "$lab/chrony-server.conf"
wait_udp dns 123

capture
RANDOM=11
pause() { sleep "$((RANDOM % 5 + 1)).$((RANDOM % 10))"; }
agent='Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
read_page() { # HOST SITE
  local part
  for part in / /style.css /app.js /logo.png; do quiet_curl "$1" -k --compressed -A "$agent" "$2$part"; done
}
update() {
  quiet_curl "$1" -A 'Debian APT-HTTP/1.3 (2.6.1)' http://updates.example/debian/dists/stable/InRelease \
    http://updates.example/debian/dists/stable/main/Packages.gz
}
ask_time() { on "$1" timeout 8 chronyd -x -Q -U -u root -t 5 'server time.agency.example iburst maxsamples 2' 'pidfile /run/lab/chrony-'"$1" >/dev/null 2>&1 || true; }
mail() {
  on "$1" timeout 10 swaks --server mx.agency.example --helo "$1.agency.example" --from "$1@agency.example" --to ann@agency.example \
    --header "Subject: Note from $1" --body 'See you at ten.' >/dev/null 2>&1 || true
}
work() { # HOST: one person's two minutes
  local turn
  RANDOM=${1#pc}
  ask_time "$1"
  update "$1"
  for turn in $(seq 10); do
    case $((RANDOM % 6)) in
      0) read_page "$1" http://news.example ;;
      1 | 2) read_page "$1" https://www.agency.example ;;
      3) read_page "$1" https://intranet.agency.example ;;
      4) mail "$1" ;;
      5) quiet_curl "$1" -A "$agent" "http://news.example/news.html?from=$turn"; quiet_curl "$1" http://news.example/gone.html ;;
    esac
    pause; pause; pause
  done
  quiet_curl "$1" -u ann@agency.example:Invented-Secret-3 pop3://mx.agency.example/
}
people=()
for n in 1 2 3 4 5 6; do work "pc$n" & people+=($!); sleep 1; done
wait "${people[@]}"
finish nginx dovecot swaks named unbound chronyd curl
