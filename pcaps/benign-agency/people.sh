# What the people, programs and administrators of benign-agency do, and servers that only this case needs.

# office_imap HOST ADDRESS: IMAP over TLS beside the POP3 of mail_on, over the same mailbox.
office_imap() {
  local dir=$lab/imap-$1
  mkdir -p "$dir/run"
  cat >"$dir/dovecot.conf" <<CONF
protocols = imap
listen = $2
base_dir = $dir/run
state_dir = $dir/run
log_path = $dir/dovecot.log
ssl = yes
ssl_cert = <$lab/mail.agency.example.pem
ssl_key = <$lab/mail.agency.example.key
auth_mechanisms = plain login
first_valid_uid = 1
mail_location = maildir:$lab/mail-$1/box
passdb {
  driver = passwd-file
  args = username_format=%n $lab/mail-$1/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$dir
}
service stats {
  chroot =
}
CONF
  bg "$1" dovecot -F -c "$dir/dovecot.conf"
  wait_tcp "$1" 993
}

# office_realm HOST ADDRESS: a KDC with an account for each client and services for files and web.
office_realm() {
  local n
  cat >"$lab/kdc.conf" <<CONF
[kdcdefaults]
 kdc_listen = $2:88
 kdc_tcp_listen = $2:88
[realms]
 AGENCY.TEST = {
  database_name = $lab/principal
  key_stash_file = $lab/stash
  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
 }
CONF
  cat >"$lab/krb5.conf" <<CONF
[libdefaults]
 default_realm = AGENCY.TEST
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 AGENCY.TEST = {
  kdc = $2
 }
CONF
  export KRB5_KDC_PROFILE=$lab/kdc.conf KRB5_CONFIG=$lab/krb5.conf
  kdb5_util create -r AGENCY.TEST -s -P Invented-Master-1 >"$lab/kdb.log" 2>&1
  {
    for n in $(seq 24); do echo "addprinc +requires_preauth -pw Invented-Secret-$n user$n"; done
    for n in HTTP/intranet.agency.test cifs/files.agency.test ldap/dir.agency.test host/unix.agency.test imap/mail.agency.test; do
      echo "addprinc -randkey $n"
    done
  } | kadmin.local -r AGENCY.TEST >"$lab/kadmin.log" 2>&1
  bg "$1" krb5kdc -n -r AGENCY.TEST
  wait_udp "$1" 88
}

# office_directory HOST ADDRESS: an address book.
office_directory() {
  local dc=dc=agency,dc=test n
  mkdir -p "$lab/db"
  cat >"$lab/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $lab/slapd.pid
TLSCertificateFile $lab/kdc.agency.example.pem
TLSCertificateKeyFile $lab/kdc.agency.example.key
database mdb
directory $lab/db
suffix $dc
rootdn cn=admin,$dc
rootpw Invented-Secret-9
CONF
  {
    printf 'dn: %s\nobjectClass: domain\ndc: agency\n\ndn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n\n' "$dc" "$dc"
    for n in $(seq 40); do
      printf 'dn: uid=user%s,ou=people,%s\nobjectClass: inetOrgPerson\nuid: user%s\ncn: User %s\nsn: %s\nmail: user%s@agency.example\nuserPassword: Invented-Secret-%s\n\n' \
        $n $dc $n $n $n $n $n
    done
  } >"$lab/data.ldif"
  slapadd -f "$lab/slapd.conf" -l "$lab/data.ldif" >"$lab/slapadd.log" 2>&1
  printf 'TLS_REQCERT never\n' >"$lab/ldaprc"
  export LDAPNOINIT= LDAPCONF=$lab/ldaprc
  bg "$1" slapd -d 256 -f "$lab/slapd.conf" -h "ldap://$2:389/ ldaps://$2:636/"
  wait_tcp "$1" 389
}

# office_shells HOST...: OpenSSH on each, one key that is let in and one that is not.
office_shells() {
  local host
  mkdir -p "$HOME/.ssh" "$lab/ssh" "$lab/backup"
  for key in host good old; do ssh-keygen -q -t ed25519 -N '' -C lab -f "$lab/ssh/$key"; done
  cp "$lab/ssh/good.pub" "$lab/ssh/authorized"
  chmod 700 "$lab/ssh"
  printf 'Port 22\nHostKey %s/ssh/host\nPidFile none\nAuthorizedKeysFile %s/ssh/authorized\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nPrintMotd no\nPrintLastLog no\nSubsystem sftp internal-sftp\n' \
    "$lab" "$lab" >"$lab/ssh/sshd_config"
  for host in "$@"; do bg "$host" /usr/sbin/sshd -D -e -f "$lab/ssh/sshd_config"; wait_tcp "$host" 22; done
}

# Times. Each actor draws from its own numbers; waiting ends when the hour does.
left() { echo $((end - SECONDS)); }
working() { [ "$(left)" -gt 0 ]; }
rest() { # SECONDS: at most what is left
  local most
  most=$(left)
  [ "$most" -gt 0 ] || return 0
  sleep "$(($1 < most ? $1 : most)).$((RANDOM % 100))"
}
quietly() { on "$1" timeout 30 "${@:2}" </dev/null >/dev/null 2>&1 || true; }

agents=('Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0')

pages() { # NUMBER SITE PATH...: parts of a page over one connection
  local n=$1 site=$2 part urls=()
  shift 2
  for part in "$@"; do urls+=("$site$part"); done
  quiet_curl "pc$n" -k --compressed -A "${agents[n % 3]}" "${urls[@]}"
}
searches=('q=select+committee+report+from+2024' 'q=trade+union+and+selection+of+members' "name=O%27Brien+%26+sons" 'next=%2Fnews.html&lang=da'
  'q=how+to+drop+a+table+reservation' 'q=script+for+the+play+%22exec%22' 'file=minutes.docx&v=2' 'id=42%2C43&sort=-date'
  'url=https%3A%2F%2Fwww.agency.example%2Fnews.html' 'q=50%25+of+%C3%A6bler')
read_news() { pages "$1" http://news.example / /style.css /logo.png; }
read_intranet() { pages "$1" https://intranet.agency.example / /style.css /app.js; }
search() { pages "$1" http://news.example "/app/search?${searches[RANDOM % ${#searches[@]}]}"; }
wander() { pages "$1" http://news.example "/news.html?from=$RANDOM" /gone.html /moved /favicon.ico; }
cloud() { # a document goes to the cloud and comes back
  quiet_curl "pc$1" -k -A "${agents[$1 % 3]}" -T "$lab/share/papers/report-1.txt" "https://cloud.example/dav/user$1-$RANDOM.txt"
  pages "$1" https://cloud.example /contact.html
}
send_mail() {
  local to=ann@agency.example server=10.20.0.25
  [ $((RANDOM % 4)) != 0 ] || server=203.0.113.25
  quietly "pc$1" swaks --server $server --helo "pc$1.agency.example" --from "user$1@agency.example" --to $to \
    --header "Subject: Note $RANDOM" --body 'See you at ten. Regards.' --attach-type text/csv --attach-name list.csv --attach @"$lab/share/list.csv"
}
fetch_mail() { quiet_curl "pc$1" -k -u ann:Invented-Secret-3 'imaps://mail.agency.example/INBOX' -X 'STATUS INBOX (MESSAGES UNSEEN)'; }
files() { # a document is opened, kept open for a while, and saved
  local rest_for=$((RANDOM % 25 + 5))
  on "pc$1" timeout 90 smbclient -s "$lab/samba/client.conf" //10.20.0.5/papers -U "EXAMPLE\\${2:-ann}%Winter-2026" -m SMB3 --option="netbios name=PC$1" \
    -c "ls; get report-$((RANDOM % 2 + 1)).txt $lab/pc$1.txt; !sleep $rest_for; put $lab/pc$1.txt user$1-$((RANDOM % 5)).txt; get minutes.docx $lab/pc$1.docx; rename user$1-1.txt user$1-1b.txt" \
    </dev/null >/dev/null 2>&1 || true
}
shares() { quietly "pc$1" smbclient -s "$lab/samba/client.conf" -L 10.20.0.5 -U 'EXAMPLE\ann%Winter-2026'; }
log_in() { # NUMBER [PASSWORD]: a ticket for the day and for what is used
  local cache=$lab/ccache-pc$1
  on "pc$1" env KRB5CCNAME="$cache" timeout 10 kinit "user$1" <<<"${2:-Invented-Secret-$1}" >/dev/null 2>&1 || return 0
  quietly "pc$1" env KRB5CCNAME="$cache" kvno cifs/files.agency.test HTTP/intranet.agency.test imap/mail.agency.test
}
look_up() { quietly "pc$1" ldapsearch -x -H ldaps://10.20.0.88 -b ou=people,dc=agency,dc=test "(&(objectClass=inetOrgPerson)(cn=User $((RANDOM % 40))*))" cn mail; }
look_up_clear() { quietly "pc$1" ldapsearch -x -H ldap://10.20.0.88 -b ou=people,dc=agency,dc=test "(mail=user$((RANDOM % 40))*)" cn mail; }
print_it() {
  on "pc$1" timeout 10 socat -u OPEN:"$lab/share/papers/report-1.txt" TCP4:10.20.0.90:9100 >/dev/null 2>&1 || true
  quiet_curl "pc$1" -H 'Content-Type: application/ipp' -A 'CUPS/2.4.2 (Linux 6.1; x86_64) IPP/2.0' --data-binary @"$lab/share/list.csv" http://10.20.0.90:631/ipp/print
}
background_names() { # what programs ask for of their own
  local name
  for name in wpad.agency.example _ldap._tcp.dc._msdcs.agency.example "d3ag4hukkh62yn-$1.cdn.example" www.agency.example "gone$RANDOM.news.example"; do
    quietly "pc$1" dig +tries=1 +time=2 "$name" "$([ "${name:0:1}" = _ ] && echo SRV || echo A)"
  done
  quietly "pc$1" dig +tries=1 +time=2 cloud.example HTTPS
  quietly "pc$1" dig +tries=1 +time=2 -x "10.20.0.$((RANDOM % 20 + 100))"
}
virus_scanner() { # reputation by name, as scanners ask: long labels that mean nothing
  quietly "pc$1" dig +tries=1 +time=2 "$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n').rep.antivirus.example" TXT
}
updates() {
  local mirror=http://updates.example
  if [ $(($1 % 2)) = 0 ]; then
    quiet_curl "pc$1" -A 'Debian APT-HTTP/1.3 (2.6.1)' $mirror/debian/dists/stable/InRelease $mirror/debian/dists/stable/main/Packages.gz
    [ $(($1 % 4)) != 0 ] || quiet_curl "pc$1" -A 'Debian APT-HTTP/1.3 (2.6.1)' $mirror/debian/pool/main/h/hello/hello_2.10-3_amd64.deb
  else
    quiet_curl "pc$1" -A 'Microsoft NCSI' $mirror/connecttest.txt
    quiet_curl "pc$1" -A 'Windows-Update-Agent/10.0.10011.16384 Client-Protocol/2.50' -I $mirror/windows/update-kb5031.cab
    quiet_curl "pc$1" -A 'Microsoft BITS/7.8' -r 0-15000 $mirror/windows/update-kb5031.cab
    quiet_curl "pc$1" -A 'Microsoft-CryptoAPI/10.0' http://news.example/ocsp
  fi
}
lease() { quietly "pc$1" busybox udhcpc -i eth0 -f -q -n -t 3 -s /bin/true; }
clock() { on "pc$1" timeout 8 chronyd -x -Q -U -u root -t 5 'server time.agency.example iburst maxsamples 2' "pidfile $lab/chrony-pc$1" >/dev/null 2>&1 || true; }
telemetry() { # a program that reports home once a minute, exactly
  local n=$1
  while working; do
    quiet_curl "pc$n" -k -A 'agent-update/4.2' -d "{\"id\":\"pc$n\",\"load\":0.1}" https://telemetry.example/api/report
    rest 60
  done
}
mistakes() { # what goes wrong at work: a wrong password, a dead address, a printer that is off
  log_in "$1" Wrong-Secret
  on "pc$1" timeout 20 smbclient -s "$lab/samba/client.conf" //10.20.0.5/papers -U 'EXAMPLE\bob%Winter-2025' -m SMB3 -c ls </dev/null >/dev/null 2>&1 || true
  quiet_curl "pc$1" --connect-timeout 3 http://10.20.0.91/
  quiet_curl "pc$1" --connect-timeout 3 http://10.20.0.90:8080/
  log_in "$1"
}

person() { # NUMBER: one client's hour
  local n=$1
  RANDOM=$((n * 7919))
  sleep "$((RANDOM % 40)).$((RANDOM % 100))"
  lease "$n"
  clock "$n"
  log_in "$n"
  updates "$n"
  [ $((n % 6)) != 0 ] || telemetry "$n" &
  while working; do
    case $((RANDOM % 16)) in
      0 | 1) read_news "$n" ;;
      2 | 3) read_intranet "$n" ;;
      4) search "$n" ;;
      5) wander "$n" ;;
      6) send_mail "$n" ;;
      7 | 8) fetch_mail "$n" ;;
      9) files "$n" ;;
      10) [ $((RANDOM % 3)) != 0 ] || shares "$n" ;;
      11) look_up "$n" ;;
      12) [ $((RANDOM % 4)) != 0 ] || print_it "$n" ;;
      13) background_names "$n"; [ $((RANDOM % 2)) != 0 ] || virus_scanner "$n" ;;
      14) [ $((RANDOM % 2)) != 0 ] || cloud "$n"; [ $((n % 8)) != 0 ] || look_up_clear "$n" ;;
      15) [ $((RANDOM % 4)) != 0 ] || mistakes "$n" ;;
    esac
    rest $((RANDOM % 130 + 15))
  done
}

watcher() { # a watch that looks at every server each minute or so, as such programs do
  RANDOM=3
  local target
  while working; do
    for target in 10.20.0.5:445 10.20.0.22:22 10.20.0.23:22 10.20.0.25:25 10.20.0.25:993 10.20.0.88:88 10.20.0.88:389 10.20.0.90:9100 10.20.0.53:53; do
      quietly watch socat -u OPEN:/dev/null "TCP4:$target,connect-timeout=3"
    done
    quiet_curl watch -A 'check_http/v2.3.3 (monitoring-plugins 2.3.3)' http://news.example/api/status.json
    quietly watch ping -c 1 -W 1 "10.20.0.$((RANDOM % 2 * 17 + 5))"
    quietly watch dig +tries=1 +time=2 @10.20.0.53 www.agency.example A
    rest 90
  done
}

mailers() { # the mail server asks about those who send
  RANDOM=5
  while working; do
    quietly mail dig +tries=1 +time=2 agency.example MX
    quietly mail dig +tries=1 +time=2 agency.example TXT
    quietly mail dig +tries=1 +time=2 s1._domainkey.agency.example TXT
    quietly mail dig +tries=1 +time=2 _dmarc.agency.example TXT
    quietly mail dig +tries=1 +time=2 25.113.0.203.bl.example A
    quietly mail dig +tries=1 +time=2 -x 203.0.113.25
    quietly mail swaks --server 203.0.113.25 --helo mail.agency.example --from ann@agency.example --to ben@agency.example --body 'Out.'
    quietly far swaks --server 10.20.0.25 --helo mx.elsewhere.example --from cy@elsewhere.example --to ann@agency.example --body 'In.'
    rest 300
  done
}

shell=(ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR)
backups() { # each quarter of an hour the vault fetches what is new, and puts a copy of it on the share
  RANDOM=11
  while working; do
    seq $((RANDOM % 500 + 500)) >"$lab/share/list-$RANDOM.txt"
    quietly vault rsync -a -e "${shell[*]} -i $lab/ssh/good" root@10.20.0.22:/run/lab/share/ "$lab/backup/"
    tar czf "$lab/backup.tgz" -C "$lab/share" list.csv papers
    quietly vault smbclient -s "$lab/samba/client.conf" //10.20.0.5/papers -U 'EXAMPLE\bob%Winter-2026' -m SMB3 -c "put $lab/backup.tgz backup-$RANDOM.tgz"
    rest 850
  done
}

administrator() { # shells, a copy, a key that is no longer let in, the printer's page, a script that fetches over the API
  RANDOM=13
  while working; do
    quietly pc1 "${shell[@]}" -i "$lab/ssh/good" root@10.20.0.22 'for n in 1 2 3 4; do uptime; sleep 3; done'
    quietly pc2 scp -q "${shell[@]:1}" -i "$lab/ssh/good" "$lab/share/list.csv" root@10.20.0.22:/run/lab/list-copy.csv
    quietly pc1 "${shell[@]}" -i "$lab/ssh/old" root@10.20.0.23 true
    quiet_curl pc1 -k https://10.20.0.90/
    quiet_curl pc1 -u admin:Invented-Secret-8 http://10.20.0.90/setup/
    quiet_curl pc2 -A 'python-requests/2.31.0' -k https://cloud.example/api/status.json
    quietly pc2 rpcclient -s "$lab/samba/client.conf" -U 'EXAMPLE\ann%Winter-2026' -c 'srvinfo; netshareenumall' 10.20.0.5
    quietly pc1 nmblookup -s "$lab/samba/client.conf" FILES
    quiet_curl pc1 -A "${agents[0]}" http://updates.example/app/setup.exe
    quietly pc2 "${shell[@]}" -i "$lab/ssh/good" root@10.20.0.23 'df -h; tail -n 20 /run/lab/site/report.txt'
    rest 400
  done
}
