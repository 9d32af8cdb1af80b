# Servers the captures share. Each runs in the foreground of one lab host, under /run/lab.

# make_site DIR: the pages, style, script, picture and larger files that the web servers give out.
make_site() { python3 "$lib/site.py" "$1"; }

# nginx_on HOST PORT < SERVER-BLOCKS: nginx with the server { } blocks given on standard input.
nginx_on() {
  local dir=$lab/nginx-$1
  mkdir -p "$dir/tmp"
  {
    printf 'user root;\nworker_processes 1;\npid %s/pid;\nevents { }\nhttp {\n' "$dir"
    printf 'include /etc/nginx/mime.types;\ndefault_type application/octet-stream;\naccess_log off;\n'
    printf 'sendfile off;\nkeepalive_timeout 20;\nserver_names_hash_bucket_size 128;\n'
    for kind in client_body proxy fastcgi uwsgi scgi; do printf '%s_temp_path %s/tmp/%s;\n' "$kind" "$dir" "$kind"; done
    cat
    echo '}'
  } >"$dir/nginx.conf"
  bg "$1" nginx -e stderr -p "$dir" -c "$dir/nginx.conf" -g 'daemon off;'
  wait_tcp "$1" "$2"
}

# zone_head: the start of a root zone of our own, so that every unknown name is a true NXDOMAIN.
zone_head() {
  printf '$TTL 300\n. IN SOA ns.lab.example. hostmaster.lab.example. 2026010101 3600 600 86400 60\n'
  printf '. IN NS ns.lab.example.\nns.lab.example. IN A %s\n' "$1"
}

# named_on HOST ADDRESS [EXTRA-CONFIGURATION] < RECORDS: BIND, authoritative for a root of its own.
named_on() {
  local dir=$lab/named-$1
  mkdir -p "$dir"
  { zone_head "$2"; cat; } >"$dir/root.zone"
  cat >"$dir/named.conf" <<CONF
options { directory "$dir"; pid-file none; session-keyfile none; listen-on { any; }; listen-on-v6 { any; };
  recursion no; allow-query { any; }; allow-transfer { any; }; dnssec-validation no; version "lab"; notify no; };
controls { };
zone "." { type primary; file "root.zone"; };
${3:-}
CONF
  bg "$1" named -g -n 1 -c "$dir/named.conf"
  wait_udp "$1" 53
}

# unbound_on HOST ADDRESS AUTHORITY: a recursive resolver that takes AUTHORITY for the root.
unbound_on() {
  cat >"$lab/unbound.conf" <<CONF
server:
  interface: $2
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  directory: "$lab"
  pidfile: "$lab/unbound.pid"
  use-syslog: no
  do-ip6: no
  module-config: "iterator"
  domain-insecure: "."
  do-not-query-localhost: no
  local-zone: "test." nodefault
  local-zone: "invalid." nodefault
  local-zone: "onion." nodefault
  local-zone: "10.in-addr.arpa." nodefault
  local-zone: "113.0.203.in-addr.arpa." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: $3
CONF
  bg "$1" unbound -d -c "$lab/unbound.conf"
  wait_udp "$1" 53
}

# make_ca: an invented authority in $lab/ca.pem. make_cert NAME DAYS [SAN,...]: $lab/NAME.{pem,key}.
make_ca() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/O=Lab/CN=Lab Test CA' \
    -keyout "$lab/ca.key" -out "$lab/ca.pem" 2>/dev/null
}
make_cert() {
  local name=$1 days=$2 san=${3:-DNS:$1}
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=Lab/CN=$name" \
    -keyout "$lab/$name.key" -out "$lab/$name.csr" 2>/dev/null
  openssl x509 -req -in "$lab/$name.csr" -CA "$lab/ca.pem" -CAkey "$lab/ca.key" -CAcreateserial \
    -days "$days" -extfile <(echo "subjectAltName=$san") -out "$lab/$name.pem" 2>/dev/null
  cat "$lab/ca.pem" >>"$lab/$name.pem"
}

# twisted_on HOST PORT PLUGIN ARGUMENTS...: one of Twisted's servers.
twisted_on() {
  local host=$1 port=$2
  shift 2
  (cd "$lab" && become "$host" twistd3 --nodaemon --pidfile= "$@" </dev/null >>"$lab/twistd-$host-$port.log" 2>&1) &
  started+=($!)
  wait_tcp "$host" "$port"
}

# mail_on HOST ADDRESS USER PASSWORD: SMTP by aiosmtpd and POP3 by Dovecot over one mailbox.
mail_on() {
  local dir=$lab/mail-$1
  mkdir -p "$dir/run"
  printf '%s:{PLAIN}%s\n' "$3" "$4" >"$dir/users"
  /usr/bin/python3 -c 'import mailbox, sys; mailbox.Maildir(sys.argv[1])' "$dir/box"
  chown -R mail:mail "$dir/box"
  cat >"$dir/dovecot.conf" <<CONF
protocols = pop3
listen = $2
base_dir = $dir/run
state_dir = $dir/run
log_path = $dir/dovecot.log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
first_valid_uid = 1
mail_location = maildir:$dir/box
passdb {
  driver = passwd-file
  args = username_format=%n $dir/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$dir
}
service stats {
  chroot =
}
CONF
  bg "$1" setpriv --reuid=mail --regid=mail --clear-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service \
    /usr/bin/python3 "$lib/mail_server.py" "$2" "$3" "$4" "$dir/box"
  bg "$1" dovecot -F -c "$dir/dovecot.conf"
  wait_tcp "$1" 25
  wait_tcp "$1" 110
}
