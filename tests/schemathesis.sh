#!/usr/bin/env bash
# Asks a running program all kinds of things by its own description (/v1/openapi.json), with Schemathesis:
#   python3 -m venv /tmp/schemathesis && /tmp/schemathesis/bin/pip install schemathesis 'urllib3[zstd]'
#   SCHEMATHESIS=/tmp/schemathesis/bin/schemathesis bash tests/schemathesis.sh [EXAMPLES]
# Fails at an answer with 5xx and at one that is not described. EXAMPLES is the number of cases for each operation
# (20); the seed is always the same. It is run once for each shape of a list and each coding. psql provides sessions,
# which are ended now and then.
set -euo pipefail
cd "$(dirname "$0")/.."
examples=${1:-20}
schemathesis=${SCHEMATHESIS:-schemathesis}

cargo build --locked --quiet
program=$PWD/target/debug/rollcall
directory=$(mktemp -d)
# What Schemathesis remembers is not to be left in the clone.
cd "$directory"
children=()
trap 'kill "${children[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$directory"' EXIT

verifier=$(echo secret | "$program" hash-password)
cat >rollcall.toml <<TOML
sql.listen = "127.0.0.1:0"
rest.listen = "127.0.0.1:0"
[users.root]
password = "$verifier"
role = "admin"
[servers.db1]
address = "127.0.0.1:1"
[filters.audit]
module = "qlafilter"
file = "audit.log"
[services.shop]
router = "readconnroute"
servers = ["db1"]
filters = ["audit"]
[listeners.shop]
service = "shop"
address = "127.0.0.1:0"
[limits]
failed_logins_per_address_max = 0     # wrong passwords are part of it
failed_logins_per_user_max = 0
TOML
"$program" --config rollcall.toml >out 2>log &
program_pid=$!
children+=("$program_pid")
until grep -q REST out; do
  kill -0 "$program_pid"
  sleep 0.1
done
address=$(awk '/REST/ {print $2}' out)
sql_port=$(awk '/SQL/ {sub(".*:", "", $2); print $2}' out)

# It ends with its connection, and another one takes its place until the program is gone.
session() {
  while kill -0 "$program_pid" 2>/dev/null; do
    PGPASSWORD=secret psql -XAtq -h 127.0.0.1 -p "$sql_port" -U root -c 'SELECT pg_sleep(600)' >/dev/null 2>&1 || sleep 0.1
  done
}
for _ in 1 2 3; do
  session &
  children+=("$!")
done

run() {
  echo "== $1, $2"
  "$schemathesis" run "http://$address/v1/openapi.json" \
    --url "http://$address/v1" --header "Authorization: Basic $(printf root:secret | base64)" \
    --header "Accept: $1" --header "Accept-Encoding: $2" \
    --max-examples "$examples" --seed 1 --request-timeout 30 --no-color \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth
  kill -0 "$program_pid"
}
run '*/*' identity
run '*/*' gzip
run '*/*' zstd
run application/vnd.api+json identity
run application/x-ndjson gzip
run text/csv identity
run application/vnd.apache.arrow.stream zstd
