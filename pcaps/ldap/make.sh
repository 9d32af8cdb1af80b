#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# A directory: binds of every kind, searches, changes, StartTLS, a connection sealed by SASL.
bridge
host dir 10.20.0.39/24
host ann 10.20.0.11/24
host eve 10.20.0.66/24
make_ca
make_cert dir.agency.test 20
mkdir -p "$lab/db" "$lab/slapd.d"
dc=dc=agency,dc=test
cat >"$lab/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $lab/slapd.pid
TLSCertificateFile $lab/dir.agency.test.pem
TLSCertificateKeyFile $lab/dir.agency.test.key
sasl-host dir.agency.test
sasl-regexp uid=([^,]*),cn=[^,]*,cn=auth uid=\$1,ou=people,$dc
password-hash {CLEARTEXT}
sizelimit 50
database mdb
directory $lab/db
suffix $dc
rootdn cn=admin,$dc
rootpw Invented-Secret-9
access to attrs=userPassword by self write by anonymous auth by * none
access to * by dn.base=cn=admin,$dc write by * read
CONF
{
  printf 'dn: %s\nobjectClass: domain\ndc: agency\n\n' "$dc"
  for unit in people groups; do printf 'dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n' $unit "$dc" $unit; done
  printf 'dn: ou=elsewhere,%s\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://other.agency.test/dc=other,dc=test\n\n' "$dc"
  for n in $(seq 60); do
    printf 'dn: uid=user%s,ou=people,%s\nobjectClass: inetOrgPerson\nuid: user%s\ncn: User %s\nsn: %s\nuserPassword: Invented-Secret-%s\nmail: user%s@agency.test\n\n' $n "$dc" $n $n $n $n $n
  done
} >"$lab/data.ldif"
slapadd -f "$lab/slapd.conf" -l "$lab/data.ldif" >"$lab/slapadd.log" 2>&1
bg dir slapd -d 256 -f "$lab/slapd.conf" -h 'ldap://10.20.0.39:389/'
wait_tcp dir 389

capture
printf 'TLS_REQCERT never\n' >"$lab/ldaprc"
export LDAPNOINIT= LDAPCONF=$lab/ldaprc
server=ldap://10.20.0.39
admin=(-x -D "cn=admin,$dc" -w Invented-Secret-9)
as() { on "$@" >>"$lab/clients.log" 2>&1 || true; }
# Binds: anonymous, simple, wrong password, unknown name, name without password, version 2.
as ann ldapsearch -x -H $server -b '' -s base '(objectClass=*)' namingContexts supportedSASLMechanisms
as ann ldapwhoami -x -H $server -D "uid=user1,ou=people,$dc" -w Invented-Secret-1
for password in Summer2026 Winter2026; do as eve ldapwhoami -x -H $server -D "uid=user2,ou=people,$dc" -w $password; done
as eve ldapwhoami -x -H $server -D "uid=nobody,$dc" -w x
as eve ldapwhoami -x -H $server -D "cn=admin,$dc" -w ''
as eve ldapsearch -P 2 -x -H $server -D "uid=user1,ou=people,$dc" -w Invented-Secret-1 -b "$dc" -s base
# Searches.
as ann ldapsearch -x -H $server -b "$dc" '(&(objectClass=inetOrgPerson)(|(uid=user1)(mail=user2*agency*)(!(sn>=3))))' cn mail
as ann ldapsearch -x -H $server -b "ou=people,$dc" -s one -z 10 -l 5 '(cn:caseExactMatch:=User 7)' dn
as ann ldapsearch -x -A -H $server -b "ou=people,$dc" -a always '(cn~=User \2a\28\29)' '*' +
as eve ldapsearch -x -H $server -b "$dc" '(objectClass=*)'
as eve ldapsearch -x -E pr=20/noprompt -H $server -b "ou=people,$dc" -s children '(userPassword=*)' uid userPassword
as ann ldapsearch -x -H $server -b "ou=gone,$dc" '(cn=x)'
as ann ldapsearch -x -H $server -b "ou=elsewhere,$dc" '(cn=x)'
as ann ldapcompare -x -H $server "uid=user3,ou=people,$dc" 'sn:3'
# Changes.
printf 'dn: uid=user1,ou=people,%s\nchangetype: modify\nreplace: mail\nmail: new@agency.test\n-\nadd: description\ndescription: moved\n-\ndelete: sn\n' "$dc" >"$lab/change.ldif"
as eve ldapmodify "${admin[@]}" -H $server -f "$lab/change.ldif"
sed -i '/^delete/d;$d' "$lab/change.ldif"
as ann ldapmodify "${admin[@]}" -H $server -f "$lab/change.ldif"
printf 'dn: uid=new,ou=people,%s\nobjectClass: inetOrgPerson\nuid: new\ncn: New\nsn: New\n' "$dc" >"$lab/new.ldif"
as ann ldapadd "${admin[@]}" -H $server -f "$lab/new.ldif"
as ann ldapmodrdn "${admin[@]}" -H $server -r -s "ou=groups,$dc" "uid=new,ou=people,$dc" uid=newer
as ann ldappasswd "${admin[@]}" -H $server -s Invented-Secret-10 "uid=newer,ou=groups,$dc"
as ann ldapdelete "${admin[@]}" -H $server "uid=newer,ou=groups,$dc"
as eve ldapdelete -x -H $server "uid=user4,ou=people,$dc"
# TLS from within, SASL with and without protection of what follows.
as ann ldapsearch -x -ZZ -H $server -D "uid=user1,ou=people,$dc" -w Invented-Secret-1 -b "$dc" -s base
as ann ldapwhoami -Y DIGEST-MD5 -O maxssf=0 -U user5 -w Invented-Secret-5 -H $server
as ann ldapsearch -Y DIGEST-MD5 -O minssf=1 -U user5 -w Invented-Secret-5 -H $server -b "$dc" -s base
as eve ldapwhoami -Y DIGEST-MD5 -U user5 -w Wrong-Secret -H $server
finish slapd ldapsearch
