#!/usr/bin/env bash
LAB_LIMIT=4200
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"
. "$lib/samba.sh"
. "$here/people.sh"

# An agency at work for an hour of real time: 24 clients, two administrators' tools, and the servers they use. No rule may
# find anything of level high here. Nothing is sped up or moved in time: the clock of the packets is that of the wall.
length=3630

# Outside: the web, other people's mail server, name servers, a place for updates. Inside: servers, a printer, a watch.
bridge
host web 203.0.113.80/24
host far 203.0.113.25/24
host dns 203.0.113.53/24
host rec 10.20.0.53/24
host srv 10.20.0.5/24
host mail 10.20.0.25/24
host kdc 10.20.0.88/24
host unix 10.20.0.22/24
host vault 10.20.0.23/24
host printer 10.20.0.90/24
host watch 10.20.0.9/24
clients=24
for n in $(seq $clients); do host "pc$n" "10.20.0.$((100 + n))/24"; done
make_ca
names=DNS:www.agency.example,DNS:intranet.agency.example,DNS:cloud.example,DNS:news.example,DNS:telemetry.example
make_cert www.agency.example 20 "$names"
make_cert mail.agency.example 20
make_cert kdc.agency.example 20
openssl req -x509 -newkey rsa:2048 -nodes -days 3000 -subj '/CN=printer' -keyout "$lab/printer.key" -out "$lab/printer.pem" 2>/dev/null

# The web: pages, downloads of updates, a cloud that takes files, a program's reports home.
make_site "$lab/site"
mkdir -p "$lab"/site/{debian/dists/stable/main,debian/pool/main/h/hello,windows,api,app} "$lab/dav"
gzip -9nc "$lab/site/report.txt" >"$lab/site/debian/dists/stable/main/Packages.gz"
cp "$lab/site/report.txt" "$lab/site/debian/dists/stable/InRelease"
head -c 24000 "$lab/site/data.bin" >"$lab/site/debian/pool/main/h/hello/hello_2.10-3_amd64.deb"
{ printf 'MSCF'; head -c 30000 "$lab/site/data.bin"; } >"$lab/site/windows/update-kb5031.cab"
{ printf 'MZ'; head -c 20000 "$lab/site/data.bin"; } >"$lab/site/app/setup.exe"
printf '{"ok":true}\n' >"$lab/site/api/status.json"
nginx_on web 443 <<CONF
server { listen 80; root $lab/site; gzip on; location /ocsp { return 200 "good"; } location /app/search { return 200 "ok\n"; }
  location /connecttest.txt { return 200 "Microsoft Connect Test"; } location /moved { return 302 /news.html; } }
server { listen 443 ssl http2; root $lab/site; ssl_certificate $lab/www.agency.example.pem; ssl_certificate_key $lab/www.agency.example.key;
  client_max_body_size 5m;
  location /api/report { return 204; }
  location /dav/ { root $lab; dav_methods PUT DELETE MKCOL; create_full_put_path on; } }
CONF
nginx_on printer 443 <<CONF
server { listen 443 ssl; root $lab/site; ssl_certificate $lab/printer.pem; ssl_certificate_key $lab/printer.key; }
server { listen 80; root $lab/site; location /setup { auth_basic printer; auth_basic_user_file $lab/printer.users; alias $lab/site/; } }
server { listen 631; location / { return 200 "printed\n"; } }
CONF
printf 'admin:%s\n' "$(openssl passwd -apr1 Invented-Secret-8)" >"$lab/printer.users"
bg printer socat -u TCP4-LISTEN:9100,fork,reuseaddr OPEN:/dev/null
wait_tcp printer 9100

# Mail: inside a server that speaks STARTTLS-less SMTP on port 25 and IMAP over TLS, outside one that takes what is sent.
mail_on mail 10.20.0.25 ann Invented-Secret-3
office_imap mail 10.20.0.25
bg far setpriv --reuid=mail --regid=mail --clear-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service \
  /usr/bin/python3 "$lib/mail_server.py" 203.0.113.25 ann x "$lab/mail-mail/box"
wait_tcp far 25

# Names, addresses, time.
named_on dns 203.0.113.53 <"$here/zone.txt"
unbound_on rec 10.20.0.53 203.0.113.53
resolver 10.20.0.53
printf 'local stratum 8\nallow all\nport 123\ncmdport 0\nbindcmdaddress /\npidfile /run/lab/chronyd.pid\n' >"$lab/chrony-server.conf"
bg dns chronyd -x -d -U -u root -f "$lab/chrony-server.conf"
wait_udp dns 123
bg rec dnsmasq -k --port=0 --pid-file= --dhcp-leasefile="$lab/leases" --dhcp-range=10.20.0.101,10.20.0.199,2h --user=root \
  --dhcp-authoritative --interface=eth0 --dhcp-option=6,10.20.0.53

# Files, log-ins, directory, shells, backups.
samba 'server signing = mandatory' 'rpc start on demand helpers = yes'
printf '[global]\nworkgroup = EXAMPLE\nclient min protocol = SMB2\n' >"$lab/samba/client.conf"
bg srv nmbd --foreground --no-process-group -s "$lab/samba/smb.conf"
office_realm kdc 10.20.0.88
office_directory kdc 10.20.0.88
office_shells unix vault
seq 200 >"$lab/share/list.csv"
for number in 1 2 3; do head -c $((number * 9000)) "$lab/site/report.txt" >"$lab/share/papers/report-$number.txt"; done
gzip -nc "$lab/site/report.txt" >"$lab/share/papers/minutes.docx"

capture
RANDOM=7
end=$((SECONDS + length))
people=()
for n in $(seq $clients); do person "$n" & people+=($!); done
watcher & people+=($!)
mailers & people+=($!)
backups & people+=($!)
administrator & people+=($!)
wait "${people[@]}" || true
sleep 1
for one in "${captures[@]}"; do stop_capture "$one"; done
zstd -q -19 --rm -f "$here/$case_name.pcap"
stamp nginx dovecot swaks named unbound chronyd curl smbd smbclient ssh sshd rsync slapd ldapsearch klist socat dnsmasq
