#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# SSH: by key, by a wrong key, a longer session, a file copy, and a run of failed log-ins.
bridge
host srv 203.0.113.22/24
host ann 10.20.0.11/24
host bot 198.51.100.66/24
mkdir -p "$HOME/.ssh" "$lab/ssh"
ssh-keygen -q -t ed25519 -N '' -C lab -f "$lab/ssh/host"
ssh-keygen -q -t ed25519 -N '' -C lab -f "$lab/ssh/ann"
ssh-keygen -q -t rsa -b 2048 -N '' -C lab -f "$lab/ssh/wrong"
cp "$lab/ssh/ann.pub" "$lab/ssh/authorized"
chmod 700 "$lab" "$lab/ssh"
cat >"$lab/ssh/sshd_config" <<CONF
Port 22
HostKey $lab/ssh/host
PidFile none
AuthorizedKeysFile $lab/ssh/authorized
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
CONF
bg srv /usr/sbin/sshd -D -e -f "$lab/ssh/sshd_config"
wait_tcp srv 22
head -c 60000 /dev/zero >"$lab/file"

capture
options=(-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR)
log_in() { local from=$1 key=$2; shift 2; on "$from" timeout 15 ssh "${options[@]}" -i "$lab/ssh/$key" root@203.0.113.22 "$@" </dev/null >/dev/null; }
log_in ann ann true
log_in ann ann 'for n in 1 2 3 4 5 6; do echo $n; sleep 0.4; done'
on ann timeout 15 scp -q "${options[@]}" -i "$lab/ssh/ann" "$lab/file" root@203.0.113.22:/run/lab/copy
for try in $(seq 8); do log_in bot wrong true 2>/dev/null || true; done
on bot timeout 15 ssh "${options[@]}" -o KexAlgorithms=diffie-hellman-group14-sha256 -c aes128-ctr -i "$lab/ssh/wrong" admin@203.0.113.22 true \
  </dev/null >/dev/null 2>&1 || true
printf 'SSH-2.0-libssh_0.9.6\r\n' | on bot timeout 3 socat -t 1 - TCP:203.0.113.22:22 >/dev/null || true
finish ssh sshd socat
