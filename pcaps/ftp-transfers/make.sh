#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# FTP: transfers both ways in passive and active mode over IPv4 and IPv6, listings and changes, and a session that goes on
# in TLS.
bridge
host srv 203.0.113.21/24 2001:db8:21::1/64
host anon 203.0.113.24/24
host ann 10.20.0.11/24 2001:db8:20::11/64
mkdir -p "$lab/ftp/pub" "$lab/empty" "$lab/anon"
python3 "$lib/dropper.py" "$lab/ftp/pub"
head -c 20000 /dev/zero >"$lab/ftp/pub/zeros.bin"
echo 'a small file' >"$lab/ftp/readme.txt"
echo 'from below' >"$lab/upload.txt"
bg srv /usr/bin/python3 -m pyftpdlib -i :: -p 21 -u ann -P Invented-Secret-1 -d "$lab/ftp" -w
wait_tcp srv 21
make_ca
make_cert ftp.agency.example 5
echo 'nobody here' >"$lab/anon/note.txt"
chmod 755 "$lab" "$lab/anon"
cat >"$lab/vsftpd.conf" <<CONF
listen=YES
background=NO
anonymous_enable=YES
local_enable=NO
anon_root=$lab/anon
secure_chroot_dir=$lab/empty
seccomp_sandbox=NO
ssl_enable=YES
allow_anon_ssl=YES
rsa_cert_file=$lab/ftp.agency.example.pem
rsa_private_key_file=$lab/ftp.agency.example.key
xferlog_enable=NO
isolate_network=NO
CONF
chown root "$lab/vsftpd.conf"
bg anon vsftpd "$lab/vsftpd.conf"
wait_tcp anon 21

capture
user=(-u ann:Invented-Secret-1)
quiet_curl ann "${user[@]}" ftp://203.0.113.21/pub/install.sh
quiet_curl ann "${user[@]}" --disable-epsv ftp://203.0.113.21/pub/zeros.bin
quiet_curl ann "${user[@]}" -P - --disable-eprt ftp://203.0.113.21/pub/setup.exe
quiet_curl ann "${user[@]}" -P - 'ftp://[2001:db8:21::1]/readme.txt'
quiet_curl ann "${user[@]}" -g 'ftp://[2001:db8:21::1]/pub/'
quiet_curl ann "${user[@]}" -T "$lab/upload.txt" ftp://203.0.113.21/pub/new.txt
quiet_curl ann "${user[@]}" -a -T "$lab/upload.txt" ftp://203.0.113.21/pub/new.txt
quiet_curl ann "${user[@]}" -Q 'MKD /box' -Q 'RNFR /pub/new.txt' -Q 'RNTO /box/old.txt' -Q 'DELE /box/old.txt' -Q 'RMD /box' ftp://203.0.113.21/
quiet_curl ann -u ann:wrong ftp://203.0.113.21/readme.txt
quiet_curl ann "${user[@]}" ftp://203.0.113.21/missing.txt
quiet_curl ann ftp://203.0.113.24/note.txt
quiet_curl ann --ssl-reqd --cacert "$lab/ca.pem" -k ftp://203.0.113.24/note.txt
on ann timeout 20 lftp -c "set net:timeout 5; set ftp:ssl-allow no; open -u ann,Invented-Secret-1 203.0.113.21; cd pub; ls; get -o $lab/got install.sh; bye" >/dev/null 2>&1 || true
finish curl lftp python3
