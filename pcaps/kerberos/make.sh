#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"

# A realm with one KDC: log-ins that succeed and fail, service tickets old and new, delegation, over UDP and TCP.
bridge
host kdc 10.20.0.53/24
host ann 10.20.0.11/24
host web 10.20.0.80/24
host eve 10.20.0.66/24

realm=AGENCY.TEST
cat >"$lab/kdc.conf" <<CONF
[kdcdefaults]
 kdc_listen = 10.20.0.53:88
 kdc_tcp_listen = 10.20.0.53:88
[realms]
 $realm = {
  database_name = $lab/principal
  key_stash_file = $lab/stash
  acl_file = $lab/kadm5.acl
  max_life = 10h
  max_renewable_life = 7d
  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
 }
CONF
client_conf() { # FILE UDP-LIMIT [LINE] [KDC]: a client's configuration
  cat >"$lab/$1" <<CONF
[libdefaults]
 default_realm = $realm
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = $2
 ${3:-}
[realms]
 $realm = {
  kdc = ${4:-10.20.0.53}
 }
CONF
}
client_conf udp.conf 1465
client_conf tcp.conf 1
client_conf rc4.conf 1465 'default_tkt_enctypes = arcfour-hmac aes256-cts-hmac-sha1-96'
export KRB5_KDC_PROFILE=$lab/kdc.conf KRB5_CONFIG=$lab/udp.conf KRB5CCNAME=$lab/ccache-none
admin() { kadmin.local -r "$realm" "$@" >>"$lab/kadmin.log" 2>&1; }
kdb5_util create -r "$realm" -s -P Invented-Master-1 >"$lab/kdb.log" 2>&1
admin addprinc +requires_preauth -pw Invented-Secret-1 ann
admin addprinc +requires_preauth -pw Invented-Secret-2 bob
admin addprinc -requires_preauth -pw Invented-Secret-3 legacy
admin addprinc -requires_preauth -e arcfour-hmac:normal -pw Invented-Secret-4 ancient
admin addprinc +requires_preauth -expire yesterday -pw Invented-Secret-5 former
admin addprinc +requires_preauth +ok_to_auth_as_delegate -randkey HTTP/web.agency.test
admin addprinc -randkey -e arcfour-hmac:normal MSSQLSvc/db.agency.test:1433
admin addprinc -randkey host/files.agency.test
admin ktadd -k "$lab/web.keytab" HTTP/web.agency.test
bg kdc krb5kdc -n -r "$realm"
wait_udp kdc 88
wait_tcp kdc 88

capture
login() { # HOST CONFIGURATION PASSWORD KINIT-ARGUMENTS...: a log-in; its failure does not matter
  local host=$1 conf=$2 password=$3
  shift 3
  on "$host" env KRB5_CONFIG="$lab/$conf" KRB5CCNAME="$lab/ccache-$host" kinit "$@" <<<"$password" >>"$lab/kinit.log" 2>&1 || true
}
ticket() { # HOST CONFIGURATION KVNO-ARGUMENTS...
  local host=$1 conf=$2
  shift 2
  on "$host" env KRB5_CONFIG="$lab/$conf" KRB5CCNAME="$lab/ccache-$host" kvno "$@" >>"$lab/kvno.log" 2>&1 || true
}
login ann udp.conf Invented-Secret-1 -f -r 2d ann
ticket ann udp.conf HTTP/web.agency.test host/files.agency.test
login ann udp.conf '' -R
login ann tcp.conf Invented-Secret-1 -a -l 1h ann
ticket ann tcp.conf HTTP/web.agency.test
ticket ann tcp.conf nosuch/web.agency.test
login ann udp.conf Invented-Secret-1 -s 1h ann

# Guesses at passwords and at names.
for password in Summer2026 Winter2026 Password1; do login eve udp.conf "$password" bob; done
for name in admin backup root; do login eve udp.conf x "$name"; done
login eve tcp.conf x administrator
login eve udp.conf Invented-Secret-5 former
# Roasting: an account without pre-authentication, its reply in RC4; then service tickets in RC4.
login eve rc4.conf Invented-Secret-4 ancient
login eve udp.conf Invented-Secret-3 legacy
ticket eve udp.conf MSSQLSvc/db.agency.test:1433
ticket eve tcp.conf MSSQLSvc/db.agency.test:1433
# An encryption type that the account has no key of.
client_conf camellia.conf 1465 'default_tkt_enctypes = camellia256-cts-cmac'
login eve camellia.conf Invented-Secret-2 bob
# A service asks for a ticket to itself in a user's name.
login web udp.conf '' -k -t "$lab/web.keytab" HTTP/web.agency.test
ticket web udp.conf -U ann HTTP/web.agency.test
# A KDC that does not answer.
client_conf silent.conf 1465 '' 10.20.0.80
on web socat -u UDP4-RECV:88 /dev/null & started+=($!)
wait_udp web 88
on ann timeout 3 env KRB5_CONFIG="$lab/silent.conf" kinit bob <<<x >/dev/null 2>&1 || true
finish klist
