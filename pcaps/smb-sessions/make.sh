#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/samba.sh"

# SMB 2 and 3: files written, read, renamed, deleted; log-ins that fail; shares that do not exist; an encrypted share.
bridge
host srv 10.20.0.5/24
host ann 10.20.0.11/24
samba
printf '[global]\nworkgroup = EXAMPLE\nnetbios name = DESK11\nclient min protocol = SMB2\n' >"$lab/samba/client.conf"
mkdir -p "$lab/files"
cd "$lab/files"
printf 'MZ%0.s' $(seq 3000) >tool.exe
seq 1 4000 >budget.csv
printf 'nothing here\n' >notes.txt

capture
share ann SMB3_11 'put budget.csv; ls; get budget.csv back.csv; rename budget.csv budget-2026.csv; mkdir plans; cd plans; put notes.txt; del notes.txt; cd ..; rmdir plans'
share bob SMB3_02 'put tool.exe; allinfo tool.exe; get tool.exe back.exe; del tool.exe'
share ann SMB2_10 'get budget-2026.csv; get none.txt; put notes.txt "Ærlig mening – 日本.txt"; ls'
share ann SMB2_02 'ls; put notes.txt; del notes.txt' --option='client min protocol=SMB2_02'
share ann SMB3_11 'ls' --option='client signing=required'
on ann timeout 20 smbclient -s "$lab/samba/client.conf" //10.20.0.5/papers -U 'EXAMPLE\ann%Wrong-2026' -m SMB3 -c ls </dev/null >/dev/null 2>&1 || true
on ann timeout 20 smbclient -s "$lab/samba/client.conf" //10.20.0.5/papers -U 'EXAMPLE\carl%Winter-2026' -m SMB3 -c ls </dev/null >/dev/null 2>&1 || true
on ann timeout 20 smbclient -s "$lab/samba/client.conf" //10.20.0.5/nowhere -U 'EXAMPLE\ann%Winter-2026' -m SMB3 -c ls </dev/null >/dev/null 2>&1 || true
on ann timeout 20 smbclient -s "$lab/samba/client.conf" -U '%' -L 10.20.0.5 -m SMB3 </dev/null >/dev/null 2>&1 || true
on ann timeout 20 smbclient -s "$lab/samba/client.conf" //10.20.0.5/secret -U 'EXAMPLE\ann%Winter-2026' -m SMB3_11 -c 'put notes.txt; ls; get notes.txt again.txt' </dev/null >>"$lab/client.log" 2>&1 || true
share bob SMB3 'put notes.txt' -p 139
finish smbd smbclient
