#!/bin/sh
# Makes an EVE log of each of our captures with a real Suricata (7.0): make.sh FOLDER. One folder a capture, eve.json in it.
# Nothing but the captures in pcaps/ goes in. The log of several captures that stand beside each other is one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?where to}
for case in "$here"/../../../pcaps/*/; do
    name=$(basename "$case")
    for capture in "$case"*.pcap; do
        [ -e "$capture" ] || continue
        mkdir -p "$out/$name"
        suricata -c "$here/suricata.yaml" -S /dev/null -k none --runmode single -r "$capture" -l "$out/$name" >/dev/null || echo "$capture: not read by Suricata"
    done
done
