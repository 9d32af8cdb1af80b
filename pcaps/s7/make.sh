#!/usr/bin/env bash
. "$(dirname "$0")/../lib/pypi.sh"
tool=python-snap7==3.3.0
pypi "$tool"
. "$(dirname "$0")/../lib/lab.sh"

# An engineering station and an intruder against a soft controller (both python-snap7).
bridge
host plc 10.50.0.10/24
host ann 10.50.0.21/24
host eve 10.50.0.66/24
capture
bg plc "$python" "$here/controller.py"
wait_tcp plc 102
on ann "$python" "$here/station.py" engineer 10.50.0.10
on eve "$python" "$here/station.py" intrude 10.50.0.10
finish "$tool"
