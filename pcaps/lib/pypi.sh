# Sourced before lab.sh, since the lab has no network. pypi PACKAGE==VERSION...: the packages in a virtual environment
# that is kept for the next run; $python is its interpreter.
pypi() {
  local kept=/var/tmp/bavn-pcaps-$(basename "$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)")
  python=$kept/bin/python3
  [ "${BAVN_LAB:-}" = 1 ] && return
  [ -x "$python" ] || python3 -m venv "$kept"
  "$python" -m pip install --quiet --disable-pip-version-check "$@"
}
