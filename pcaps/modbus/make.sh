#!/usr/bin/env bash
. "$(dirname "$0")/../lib/pypi.sh"
tool=pymodbus==3.16.1
pypi "$tool"
. "$(dirname "$0")/../lib/lab.sh"

# Two operator stations and an intruder against a controller of a waterworks (all pymodbus); one session over UDP.
bridge
host plc 10.30.0.10/24
host ann 10.30.0.21/24
host ben 10.30.0.22/24
host eve 10.30.0.66/24
capture
bg plc "$python" "$here/controller.py" tcp 10.30.0.10 502
bg plc "$python" "$here/controller.py" udp 10.30.0.10 502
bg plc "$python" "$here/controller.py" tcp 10.30.0.10 15020
wait_tcp plc 502
wait_udp plc 502
wait_tcp plc 15020
on ann "$python" "$here/station.py" operate 10.30.0.10 502
on ben "$python" "$here/station.py" datagrams 10.30.0.10 502
on ben "$python" "$here/station.py" identify 10.30.0.10 502
on eve "$python" "$here/station.py" intrude 10.30.0.10 15020
on ann "$python" "$here/station.py" pipeline 10.30.0.10 502
finish "$tool"
