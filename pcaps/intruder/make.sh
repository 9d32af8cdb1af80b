#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"
. "$lib/samba.sh"
. "$here/../benign-agency/people.sh"
. "$here/deeds.sh"

# One intruder in an agency's network, with real tools against real servers: looks around, guesses passwords, moves on,
# steals and destroys on a share, and reaches out. Fast on purpose: what is slow is not what the rules count.
bridge
host srv 10.20.0.5/24
host kdc 10.20.0.88/24
host unix 10.20.0.22/24
host web 203.0.113.80/24
host dns 203.0.113.53/24
host rec 10.20.0.53/24
host ann 10.20.0.11/24
host eve 10.20.0.66/24
host out 198.51.100.66/24
for n in $(seq 40 52); do on srv ip addr add "10.20.0.$n/24" dev eth0; done
make_ca
make_cert kdc.agency.example 20
make_site "$lab/site"
nginx_on web 80 <<CONF
server { listen 80; root $lab/site; location /admin { auth_basic staff; auth_basic_user_file $lab/staff; } }
CONF
printf 'admin:%s\n' "$(openssl passwd -apr1 Invented-Secret-8)" >"$lab/staff"
named_on dns 203.0.113.53 <<'ZONE'
www.agency.example. IN A 203.0.113.80
*.t.exfil.test. IN TXT "ok"
next.stage.test. IN TXT "powershell -nop -w hidden -c iex(1)"
ZONE
unbound_on rec 10.20.0.53 203.0.113.53
resolver 10.20.0.53
samba 'rpc start on demand helpers = yes'
mkdir -p "$lab/share/admin" "$lab/share/many"
printf '[ADMIN$]\npath = %s/share/admin\nread only = no\nforce user = root\n[many]\npath = %s/share/many\nread only = no\nforce user = root\n' \
  "$lab" "$lab" >>"$lab/samba/smb.conf"
printf '[global]\nworkgroup = EXAMPLE\nclient min protocol = SMB2\n' >"$lab/samba/client.conf"
office_realm kdc 10.20.0.88
office_directory kdc 10.20.0.88
office_shells unix
mkdir -p "$lab/tools"
cd "$lab/tools"
{ printf 'MZ'; head -c 9000 "$lab/site/data.bin"; } >kXbTqz.exe
head -c 5000 "$lab/site/data.bin" | tee ntds.dit >lsass.dmp
printf 'All your files belong to us.\n' >HOW_TO_DECRYPT_FILES.txt
for n in $(seq 130); do printf 'page %s\n' "$n" >"$lab/share/many/page$n.txt"; done

# Hosts that are not there: their link addresses are known, so that what is sent to them is on the wire.
for n in $(seq 11 19) $(seq 100 140); do
  for host in eve out; do on $host ip neigh add "10.20.0.$n" lladdr 02:00:00:00:ff:01 dev eth0 nud permanent 2>/dev/null || true; done
done

capture
look_around
guess_passwords
move_on
steal_and_destroy
reach_out
finish nmap smbclient smbd rpcclient ssh ldapsearch curl nginx named unbound socat klist
