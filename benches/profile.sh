#!/bin/sh
# Where the time of one section of the benchmarks goes, by function: benches/profiles/SECTION.txt.
#
#   benches/profile.sh group
#
# Builds the benchmarks with symbols, which links this package anew and leaves its dependencies alone. Needs perf.
# ROLLCALL_BENCH_SIZES chooses the numbers of sessions, as for the benchmarks themselves; 1,000,000 unless set.
set -eu

section=${1:?usage: benches/profile.sh SECTION}
cd "$(dirname "$0")/.."

if ! command -v perf >/dev/null; then
    echo "perf not found: skipped"
    exit 0
fi

sizes=${ROLLCALL_BENCH_SIZES:-1000000}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

symbols='profile.bench.package.rollcall.strip="none"'
program=$(cargo bench --config "$symbols" --bench live_table --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*live_table[^"]*\)".*/\1/p' | tail -n 1)

# The processor's own counters are often closed to guests: the clock is always there.
ROLLCALL_BENCH_SIZES=$sizes perf record --quiet --event cpu-clock --freq 1999 --output "$scratch/perf.data" \
    -- "$program" "$section" >"$scratch/table"

mkdir -p benches/profiles
{
    echo "Section $section at $sizes sessions; share of all samples, functions of 0.5 % and more."
    echo "Threads: live_table asks, rollcall-query answers, rollcall-io serves the doors, traffic touches sessions."
    echo
    perf report --stdio --input "$scratch/perf.data" --no-children --sort comm,symbol --percent-limit 0.5 \
        2>/dev/null | sed -e '/^#/d' -e '/^$/d' -e 's/[-[:space:]]*$//' -e 's/ live_table-[0-9a-f]* / live_table      /'
} >"benches/profiles/$section.txt"
cat "$scratch/table"
echo "written: benches/profiles/$section.txt"
