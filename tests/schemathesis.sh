#!/usr/bin/env bash
# Asks a running program all kinds of things by its own description (/v1/openapi.json), with Schemathesis:
#   python3 -m venv /tmp/schemathesis && /tmp/schemathesis/bin/pip install schemathesis
#   SCHEMATHESIS=/tmp/schemathesis/bin/schemathesis bash tests/schemathesis.sh [EXAMPLES]
# Fails at an answer with 5xx and at one that is not described. EXAMPLES is the number of cases for each operation
# (100); the seed is always the same.
set -euo pipefail
cd "$(dirname "$0")/.."
examples=${1:-100}

cargo build --locked --quiet
program=target/debug/rollcall
directory=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$directory"' EXIT

verifier=$(echo secret | "$program" hash-password)
cat >"$directory/rollcall.toml" <<TOML
sql.listen = "127.0.0.1:0"
rest.listen = "127.0.0.1:0"
[users.root]
password = "$verifier"
role = "admin"
[limits]
failed_logins_per_address_max = 0     # wrong passwords are part of it
failed_logins_per_user_max = 0
TOML
"$program" --config "$directory/rollcall.toml" >"$directory/out" 2>"$directory/log" &
pid=$!
until [ "$(wc -l <"$directory/out")" -ge 3 ]; do
  kill -0 "$pid"
  sleep 0.1
done
address=$(awk '/REST/ {print $2}' "$directory/out")

"${SCHEMATHESIS:-schemathesis}" run "http://$address/v1/openapi.json" \
  --url "http://$address/v1" --header "Authorization: Basic $(printf root:secret | base64)" \
  --max-examples "$examples" --seed 1 --request-timeout 30 \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth
kill -0 "$pid"
