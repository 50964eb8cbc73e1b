#!/usr/bin/env bash
# Makes what the targets begin with, in corpus/, of the awkward statements of the tests.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p corpus/statements corpus/door
number=0
statement=
seed() {
  number=$((number + 1))
  printf '%s' "$statement" >"corpus/statements/$number"
  # In the simple protocol, and in the extended one.
  printf '\002Q%s\0' "$statement" >"corpus/door/simple-$number"
  printf '\002P\0%s\0\0\0\377B\0\0\0\0\0\0\0\0\377DP\0\377E\0\0\0\0\0\377S' "$statement" >"corpus/door/extended-$number"
  statement=
}
while IFS= read -r line; do
  if [ "$line" = '%%' ]; then
    seed
  else
    statement+=${statement:+$'\n'}$line
  fi
done <../../tests/sql/awkward.sql
seed
