#!/usr/bin/env bash
. "$(dirname "$0")/../lib/impacket.sh"
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/samba.sh"

# DCE/RPC over SMB's pipes and over TCP: a plain client's questions, and the calls of intruders' tools.
bridge
host srv 10.20.0.5/24
host ann 10.20.0.11/24
samba 'rpc start on demand helpers = no'
bg srv /usr/libexec/samba/samba-dcerpcd -s "$lab/samba/smb.conf" --libexec-rpcds --foreground --no-process-group
printf '[global]\nworkgroup = EXAMPLE\nnetbios name = DESK11\n' >"$lab/samba/client.conf"

ask() { # COMMANDS [OPTIONS]
  on ann timeout 20 rpcclient -s "$lab/samba/client.conf" "${@:2}" -U 'EXAMPLE\ann%Winter-2026' -c "$1" 10.20.0.5 </dev/null \
    >>"$lab/client.log" 2>&1 || true
}
capture
ask 'srvinfo; enumdomusers; querydominfo; lsaquery; netshareenumall; wkssvc_wkstagetinfo'
ask 'enumprivs; lookupnames ann' --option='client min protocol=NT1' -m NT1
on ann timeout 40 "$impacket/bin/python" "$lib/rpc_client.py" </dev/null >>"$lab/client.log" 2>&1 || true
finish smbd rpcclient
