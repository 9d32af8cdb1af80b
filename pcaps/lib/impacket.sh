# Sourced before lab.sh by a make.sh whose clients are Python programs on impacket (PyPI): makes a virtual environment
# once, as long as there is a network, outside of the namespaces. Neither it nor a name of it is in a capture.
impacket=/var/tmp/bavn-lab/impacket-0.13.1
if [ "${BAVN_LAB:-}" != 1 ] && [ ! -e "$impacket/ready" ]; then
  python3 -m venv --clear "$impacket"
  "$impacket/bin/pip" -q install impacket==0.13.1
  touch "$impacket/ready"
fi
