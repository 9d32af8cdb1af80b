#!/usr/bin/env bash
. "$(dirname "$0")/../lib/lab.sh"
. "$lib/servers.sh"

# Mail with attachments between a client and a mail server, and the same mail fetched by POP3.
bridge
host mx 203.0.113.25/24
host dns 203.0.113.53/24
host ann 10.20.0.11/24
mkdir -p "$lab/drop"
python3 "$lib/dropper.py" "$lab/drop"
named_on dns 203.0.113.53 <<ZONE
agency.example. IN MX 10 mx.agency.example.
mx.agency.example. IN A 203.0.113.25
ZONE
resolver 203.0.113.53
mail_on mx 203.0.113.25 ben Invented-Secret-2

capture
on ann dig +short agency.example MX >/dev/null
post() { on ann timeout 10 swaks --server mx.agency.example --helo ann.agency.example --from ann@agency.example "$@" >/dev/null 2>&1 || true; }
post --to ben@agency.example --header 'Subject: Minutes' --body 'The minutes are attached.' \
  --attach-type text/plain --attach-name minutes.txt --attach @"$lab/drop/install.sh"
post --to ben@agency.example --header 'Subject: Invoice' --body 'Please pay today.' \
  --attach-type application/octet-stream --attach-name invoice.exe --attach @"$lab/drop/setup.exe"
post --to nobody@agency.example
post --to someone@other.example
post --to ben@agency.example --pipeline --tls-optional
quiet_curl ann -u ben@agency.example:Invented-Secret-2 pop3://mx.agency.example/
quiet_curl ann -u ben@agency.example:Invented-Secret-2 pop3://mx.agency.example/1
finish dovecot swaks curl named dig
