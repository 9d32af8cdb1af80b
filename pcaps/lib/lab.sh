# Sourced first by every make.sh. Moves the script into its own pid, mount, network and host-name
# namespaces (with a user namespace where it is not root), so that nothing it starts can reach or
# outlive them (without root it needs the usual range of ids in /etc/subuid): when the script ends, the kernel ends its processes and removes its interfaces.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
lib=$here/../lib
case_name=$(basename "$here")

enter_namespaces() {
  local user=()
  [ "$(id -u)" = 0 ] || user=(--user --map-root-user --map-auto)
  exec timeout --kill-after=5 "${LAB_LIMIT:-240}" unshare "${user[@]}" --net --mount --pid --uts --ipc \
    --fork --mount-proc --kill-child env -i PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin \
    LANG=C.UTF-8 TZ=UTC BAVN_LAB=1 bash "$here/make.sh"
}
[ "${BAVN_LAB:-}" = 1 ] || enter_namespaces

# Everything the tools write or read lies under /run/lab, a private tmpfs: no path of the machine
# that makes a capture can show up in it.
mount -t tmpfs tmpfs /run
lab=/run/lab
mkdir -p /run/netns /run/sshd "$lab/home"
export HOME=$lab/home
hostname lab.example
echo 'nameserver 127.0.0.1' >"$lab/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$lab/hosts"
mount --bind "$lab/resolv.conf" /etc/resolv.conf
mount --bind "$lab/hosts" /etc/hosts

started=()
host_count=0

# on HOST COMMAND...: runs a command on a host. The host "wire" is the lab's own namespace.
on() {
  local host=$1
  shift
  if [ "$host" = wire ]; then "$@"; else nsenter --net="/run/netns/$host" "$@"; fi
}

# become HOST COMMAND...: the same, but this (sub)shell turns into the command, so that its pid is the command's.
become() {
  local host=$1
  shift
  if [ "$host" = wire ]; then exec "$@"; else exec nsenter --net="/run/netns/$host" "$@"; fi
}

# bg HOST COMMAND...: on a host in the background; ended by its pid when the script ends.
bg() {
  become "$@" </dev/null >>"$lab/${2##*/}.log" 2>&1 &
  started+=($!)
}

# quiet_curl HOST ARGUMENTS...: curl whose output and failure do not matter, only its packets do.
quiet_curl() { on "$1" curl -s --max-time 20 "${@:2}" </dev/null >/dev/null || true; }

clean_up() {
  local status=$?
  trap - EXIT
  [ "$status" = 0 ] || { echo "$case_name failed ($status)" >&2; tail -n 15 "$lab"/*.log >&2 || true; }
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# wait_for COMMAND...: until it succeeds, at most 10 s.
wait_for() {
  local try
  for try in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
  echo "no success within 10 s: $*" >&2
  return 1
}

listens() { [ -n "$(on "$1" ss -Hln"$2" "sport = :$3")" ]; }
wait_tcp() { wait_for listens "$1" t "$2"; }
wait_udp() { wait_for listens "$1" u "$2"; }

# Offloads are turned off so that frames have the size and the checksums they have on a real wire.
plain_frames() { on "$1" ethtool -K "$2" tx off rx off tso off gso off gro off sg off >/dev/null 2>&1 || true; }

quiet_ipv6() {
  on "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
    net.ipv6.conf.all.router_solicitations=0 net.ipv6.conf.default.router_solicitations=0 \
    net.ipv6.conf.all.disable_ipv6="$2" net.ipv6.conf.default.disable_ipv6="$2"
}

# lab_mac N: locally administered, so no vendor's or machine's address is ever in a capture.
lab_mac() { printf '02:00:00:00:%02x:%02x' "$1" "$2"; }

# bridge: the switch br0 in the lab's namespace, where the capture sees all frames once.
bridge() {
  quiet_ipv6 wire 1
  ip link set lo up
  ip link add name br0 address "$(lab_mac 255 1)" type bridge mcast_snooping 0 stp_state 0 forward_delay 0
  ip link set br0 up
}

# namespace NAME: an empty host.
namespace() {
  ip netns add "$1"
  on "$1" ip link set lo up
}

# addresses HOST DEV ADDR...: sets them, brings the device up, sends everything else on-link.
addresses() {
  local host=$1 dev=$2 addr family6=1
  shift 2
  case "$*" in *:*) family6=0 ;; esac
  quiet_ipv6 "$host" "$family6"
  on "$host" sysctl -qw net.ipv4.ping_group_range="0 0" || true
  on "$host" ip link set "$dev" up
  for addr in "$@"; do
    case $addr in *:*) on "$host" ip addr add "$addr" dev "$dev" nodad ;; *) on "$host" ip addr add "$addr" dev "$dev" ;; esac
  done
  on "$host" ip route replace default dev "$dev" 2>/dev/null || true
  [ "$family6" = 1 ] || on "$host" ip -6 route replace default dev "$dev"
}

# host NAME ADDR/LEN...: a host with one port on the bridge.
host() {
  local host=$1
  shift
  host_count=$((host_count + 1))
  namespace "$host"
  ip link add name "p$host_count" address "$(lab_mac 1 "$host_count")" type veth \
    peer name eth0 address "$(lab_mac 0 "$host_count")" netns "$host"
  ip link set "p$host_count" master br0 up
  plain_frames wire "p$host_count"
  plain_frames "$host" eth0
  addresses "$host" eth0 "$@"
}

resolver() { echo "nameserver $1" >"$lab/resolv.conf"; echo 'options timeout:2 attempts:2' >>"$lab/resolv.conf"; }

# capture_on HOST DEV FILE [TCPDUMP ARGUMENTS...]: starts a capture; several may run at once.
captures=()
capture_on() {
  local host=$1 dev=$2 file=$3
  shift 3
  become "$host" tcpdump -Z root -i "$dev" -s 9000 -B 32768 -U --immediate-mode -w "$lab/$file" "$@" \
    </dev/null 2>"$lab/tcpdump-$file.log" &
  captures+=("$!:$file")
  wait_for grep -q 'listening on' "$lab/tcpdump-$file.log"
}
capture() { capture_on wire br0 "$case_name.pcap" "$@"; }

stop_capture() {
  local pid=${1%%:*} file=${1#*:}
  kill "$pid"
  wait "$pid" || true
  grep -q '^0 packets dropped by kernel' "$lab/tcpdump-$file.log" ||
    { echo "$file: frames were dropped, capture not kept" >&2; return 1; }
  cp "$lab/$file" "$here/$file"
}

# finish TOOL...: ends the captures, keeps them, and writes what was measured and by which tools.
finish() {
  local one
  sleep 0.6
  for one in "${captures[@]}"; do stop_capture "$one"; done
  stamp "$@"
}
stamp() { python3 "$lib/stamp.py" "$here" "$@"; }

# cable ARGUMENTS...: runs wire.py in the lab's namespace and waits until its devices exist.
cable() {
  local log=$lab/wire-$((++cables)).log
  python3 "$lib/wire.py" "$@" </dev/null >"$log" 2>&1 &
  started+=($!)
  wait_for grep -q ready "$log"
}
cables=0

# plug DEVICE HOST MAC-NUMBER ADDR/LEN...: moves a cable's end to a new host as its eth0 (tun0 without MAC: 0).
plug() {
  local device=$1 host=$2 number=$3 name=eth0
  shift 3
  namespace "$host"
  [ "$number" != 0 ] || name=tun0
  ip link set "$device" netns "$host" name "$name"
  [ "$number" = 0 ] || on "$host" ip link set "$name" address "$(lab_mac 0 "$number")"
  addresses "$host" "$name" "$@"
}
