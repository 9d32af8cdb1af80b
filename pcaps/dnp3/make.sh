#!/usr/bin/env bash
. "$(dirname "$0")/../lib/pypi.sh"
tool=nfm-dnp3==1.0.1
pypi "$tool"
. "$(dirname "$0")/../lib/lab.sh"

# A control centre (nfm-dnp3's master) and an intruder against an outstation made for this capture; the outstation of a
# second one is polled over UDP.
bridge
host rtu 10.40.0.10/24
host ann 10.40.0.21/24
host eve 10.40.0.66/24
capture
bg rtu "$python" "$here/outstation.py" tcp 10.40.0.10 20000
bg rtu "$python" "$here/outstation.py" udp 10.40.0.10 20000
wait_tcp rtu 20000
wait_udp rtu 20000
on ann "$python" "$here/centre.py" operate 10.40.0.10
on ann "$python" "$here/centre.py" datagrams 10.40.0.10
on eve "$python" "$here/centre.py" intrude 10.40.0.10
finish "$tool"
