#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/samba.sh"

# SMB 1 as old clients speak it: log-ins with and without extended security, files that come and go.
bridge
host srv 10.20.0.5/24
host ann 10.20.0.11/24
samba 'server min protocol = LANMAN1' 'ntlm auth = ntlmv1-permitted' 'lanman auth = yes'
printf '[global]\nworkgroup = EXAMPLE\nnetbios name = DESK11\nclient min protocol = CORE\nclient lanman auth = yes\n' >"$lab/samba/client.conf"
mkdir -p "$lab/files"
cd "$lab/files"
printf 'MZ%0.s' $(seq 3000) >tool.exe
printf 'nothing here\n' >notes.txt

capture
share ann NT1 'put tool.exe; ls; get tool.exe back.exe; rename tool.exe driver.exe; mkdir plans; put notes.txt plans\notes.txt; del plans\notes.txt; rmdir plans; get none.txt'
share bob NT1 'put notes.txt; ls; del notes.txt' --option='client use spnego=no' --option='client NTLMv2 auth=no'
share ann NT1 'ls' --option='client NTLMv2 auth=no'
on ann timeout 20 smbclient -s "$lab/samba/client.conf" //10.20.0.5/papers -U 'EXAMPLE\ann%Wrong-2026' -m NT1 -c ls </dev/null >/dev/null 2>&1 || true
on ann timeout 20 smbclient -s "$lab/samba/client.conf" -U '%' -L 10.20.0.5 -m NT1 </dev/null >/dev/null 2>&1 || true
share ann LANMAN2 'ls'
finish smbd smbclient
