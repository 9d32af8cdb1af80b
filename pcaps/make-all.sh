#!/usr/bin/env bash
# Makes every capture anew, one after another, and then the table in README.md. Names as arguments make only those.
set -uo pipefail
cd "$(dirname "$0")"
names=("$@")
[ ${#names[@]} -gt 0 ] || for script in */make.sh; do names+=("${script%/make.sh}"); done
failed=()
for name in "${names[@]}"; do "$name/make.sh" || failed+=("$name"); done
python3 lib/table.py
[ ${#failed[@]} = 0 ] || { echo "not made: ${failed[*]}" >&2; exit 1; }
