#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Bodies in every coding and framing, and uploads: for unpacking, forms and files.
bridge
host www 203.0.113.80/24
host ann 10.20.0.11/24
make_site "$lab/site"
nginx_on www 80 <<CONF
server { listen 80 default_server; root $lab/site; gzip on; gzip_min_length 200; gzip_types text/css text/plain; }
CONF
bg www python3 "$here/server.py" 8080
wait_tcp www 8080
printf '%s www.agency.example\n' 203.0.113.80 >>"$lab/hosts"
printf '#!/bin/sh\necho "from the form"\n' >"$lab/run.sh"
printf '%%PDF-1.4\n%%\xe2\xe3\n1 0 obj\n<<>>\nendobj\n%%%%EOF\n' >"$lab/form.pdf"

capture
site=http://www.agency.example
python=$site:8080
quiet_curl ann --compressed "$site/style.css" "$site/report.txt"
quiet_curl ann "$site/logo.png" "$site/data.bin"
quiet_curl ann -r 100-199 "$site/logo.png"
quiet_curl ann -I "$site/logo.png"
for path in gzip deflate raw-deflate br zstd twice not-packed broken chunked; do
  quiet_curl ann "$python/$path.txt"
done
quiet_curl ann "$python/zeros.gz" "$python/zeros.br"
quiet_curl ann "$python/get?id=1" "$python/get?id=2"
quiet_curl ann "$python/to-the-end.txt"
quiet_curl ann -F "subject=roads" -F "script=@$lab/run.sh;type=text/plain" -F "paper=@$lab/form.pdf;filename=my \"form\".pdf" "$python/upload"
quiet_curl ann -T "$lab/form.pdf" "$python/store/form.pdf"
quiet_curl ann -d 'name=Ann&topic=roads' "$python/form"
gzip -nc "$lab/run.sh" >"$lab/run.sh.gz"
quiet_curl ann -H "Content-Encoding: gzip" --data-binary "@$lab/run.sh.gz" "$python/packed"
finish nginx curl
