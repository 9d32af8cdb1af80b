# Sourced after lab.sh: a Samba file server with invented users, on the host "srv".

# samba_users NAME...: accounts of the lab, with the password "Winter-2026" each.
samba_users() {
  local user number=20000
  cp /etc/passwd "$lab/passwd"
  for user in "$@"; do
    number=$((number + 1))
    echo "$user:x:$number:65534:$user:/nonexistent:/usr/sbin/nologin" >>"$lab/passwd"
  done
  mount --bind "$lab/passwd" /etc/passwd
  for user in "$@"; do
    printf 'Winter-2026\nWinter-2026\n' | smbpasswd -c "$lab/samba/smb.conf" -s -a "$user" >/dev/null
  done
}

# samba [LINE...]: writes the configuration (LINEs go into [global]), makes users and shares, starts the server.
samba() {
  mkdir -p "$lab"/samba/{private,state,cache,lock,pid,ncalrpc} "$lab"/share/{papers,secret,pub,printers}
  chmod -R 777 "$lab/share"
  chmod 755 "$lab" "$lab/samba" "$lab/share"
  cat >"$lab/samba/smb.conf" <<CONF
[global]
netbios name = FILES
workgroup = EXAMPLE
server string = files
server role = standalone server
interfaces = eth0
log level = 0
log file = $lab/samba/log
private dir = $lab/samba/private
state directory = $lab/samba/state
cache directory = $lab/samba/cache
lock directory = $lab/samba/lock
pid directory = $lab/samba/pid
ncalrpc dir = $lab/samba/ncalrpc
disable netbios = no
load printers = no
map to guest = never
$(printf '%s\n' "$@")
[papers]
path = $lab/share/papers
read only = no
force user = root
[secret]
path = $lab/share/secret
read only = no
force user = root
smb encrypt = required
[pub]
path = $lab/share/pub
guest ok = yes
force user = root
CONF
  samba_users ann bob
  bg srv smbd --foreground --no-process-group -s "$lab/samba/smb.conf"
  wait_tcp srv 445
}

# share USER DIALECT COMMANDS [OPTIONS...]: a session of smbclient with papers.
share() {
  local user=$1 dialect=$2 commands=$3
  shift 3
  on ann timeout 20 smbclient -s "$lab/samba/client.conf" "//10.20.0.5/papers" -U "EXAMPLE\\$user%Winter-2026" \
    -m "$dialect" "$@" -c "$commands" </dev/null >>"$lab/client.log" 2>&1 || true
}
