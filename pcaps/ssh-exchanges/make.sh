#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Key exchanges of OpenSSH and Dropbear with each other: every family of methods and host keys, and some that fail.
bridge
host srv 203.0.113.22/24
host drop 203.0.113.23/24
host ann 10.20.0.11/24
mkdir -p "$HOME/.ssh" "$lab/ssh"
for kind in ed25519 ecdsa rsa; do ssh-keygen -q -t "$kind" -N '' -C lab -f "$lab/ssh/$kind"; done
ssh-keygen -q -t ed25519 -N '' -C lab -f "$lab/ssh/ann"
dropbearkey -t ecdsa -f "$lab/ssh/drop.ecdsa" >/dev/null
chmod 700 "$lab" "$lab/ssh"
cat >"$lab/ssh/sshd_config" <<CONF
Port 22
HostKey $lab/ssh/ed25519
HostKey $lab/ssh/ecdsa
HostKey $lab/ssh/rsa
KexAlgorithms +diffie-hellman-group14-sha1,diffie-hellman-group1-sha1
PidFile none
AuthorizedKeysFile $lab/ssh/ann.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
PrintMotd no
CONF
bg srv /usr/sbin/sshd -D -e -f "$lab/ssh/sshd_config"
bg drop dropbear -F -E -p 203.0.113.23:22 -r "$lab/ssh/drop.ecdsa"
wait_tcp srv 22
wait_tcp drop 22

capture
options=(-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR)
call() { on ann timeout 15 ssh "${options[@]}" -i "$lab/ssh/ann" "$@" true </dev/null >/dev/null 2>&1 || true; }
call -o HostKeyAlgorithms=ssh-ed25519 root@203.0.113.22
call -o KexAlgorithms=diffie-hellman-group-exchange-sha256 -o HostKeyAlgorithms=rsa-sha2-512 root@203.0.113.22
call -o KexAlgorithms=ecdh-sha2-nistp256 -o HostKeyAlgorithms=ecdsa-sha2-nistp256 root@203.0.113.22
call -o KexAlgorithms=diffie-hellman-group14-sha1 -o Ciphers=aes256-cbc,aes256-ctr -o MACs=hmac-sha1 -o Compression=yes root@203.0.113.22
call -o KexAlgorithms=sntrup761x25519-sha512@openssh.com root@203.0.113.22
call root@203.0.113.23
on ann timeout 15 dbclient -y -y -T root@203.0.113.22 true </dev/null >/dev/null 2>&1 || true
on ann timeout 15 dbclient -y -y -T root@203.0.113.23 true </dev/null >/dev/null 2>&1 || true
call -o Ciphers=3des-cbc root@203.0.113.22
printf 'SSH-1.5-lab\r\n' | on ann timeout 3 socat -t 1 - TCP:203.0.113.22:22 >/dev/null || true
finish ssh sshd dropbear dbclient socat
