#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Mail between two Exim servers (pipelining and chunking) and from clients: names in other charsets, STARTTLS, several
# mails a session, refused ones.
bridge
host mx 203.0.113.25/24
host relay 203.0.113.26/24
host ann 10.20.0.11/24
make_ca
make_cert mx.agency.example 5

# exim_on HOST NAME ROUTERS < TRANSPORTS
exim_on() {
  local dir=$lab/exim-$1
  mkdir -p "$dir"
  chown -R Debian-exim:Debian-exim "$dir"
  {
    cat <<CONF
primary_hostname = $2
spool_directory = $dir
log_file_path = $dir/%slog
pid_file_path = $dir/pid
keep_environment =
host_lookup =
dns_ipv4_lookup = *
rfc1413_query_timeout = 0s
queue_run_max = 1
auth_advertise_hosts = *
tls_advertise_hosts = $4
tls_certificate = $lab/mx.agency.example.pem
tls_privatekey = $lab/mx.agency.example.key
chunking_advertise_hosts = *
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  deny message = unknown here
       condition = \${if match{\$local_part}{^no}}
  accept
data:
  deny message = not wanted
       condition = \${if match{\$h_subject:}{spam}}
  accept
begin routers
$3
begin transports
CONF
    cat
    cat <<'CONF'
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if eq{$auth2}{ann}}
CONF
  } >"$dir/conf"
  cp "$dir/conf" "/etc/exim4/lab-$1.conf"
  bg "$1" exim4 -C "$dir/conf" -bdf -oX 25
  wait_tcp "$1" 25
}
mount -t tmpfs tmpfs /etc/exim4
chmod 644 "$lab"/*.key
exim_on mx mx.agency.example 'all:
  driver = accept
  transport = gone' '*' <<'CONF'
gone:
  driver = appendfile
  file = /dev/null
  user = Debian-exim
CONF
exim_on relay relay.agency.example 'all:
  driver = manualroute
  route_list = * 203.0.113.25
  transport = smtp
  self = send' '!*' <<'CONF'
smtp:
  driver = smtp
  hosts_avoid_tls = *
  hosts_try_chunking = *
CONF

capture
post() { on ann timeout 20 swaks --helo ann.agency.example --from ann@agency.example "$@" >/dev/null 2>&1 || true; }
printf 'Subject: sealed\r\n\r\nhello\r\n' >"$lab/mail"
quiet_curl ann --ssl-reqd --cacert "$lab/ca.pem" --connect-to ::203.0.113.25: smtp://mx.agency.example/ann.agency.example \
  --mail-from ann@agency.example --mail-rcpt ben@agency.example -T "$lab/mail"
post --server 203.0.113.25 --to ben@agency.example --auth PLAIN --auth-user ann --auth-password Invented-Secret-3
post --server 203.0.113.25 --to nobody@agency.example
post --server 203.0.113.25 --to ben@agency.example,cy@agency.example --header 'Subject: spam and more'
post --server 203.0.113.25 --to ben@agency.example --quit-after RCPT
on ann timeout 30 python3 "$lib/mails.py" 203.0.113.25
on ann timeout 30 python3 "$lib/mails.py" 203.0.113.26
sleep 3
finish exim4 swaks curl python3
