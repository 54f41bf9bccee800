#!/usr/bin/env bash
# Runs the scenarios so many times (usually 3, a quarter of an hour) and writes
# results/scenario.txt, from which README.md's table is made:
#
#   benchmarks/scenario.sh && go test ./benchmarks -run Table -update
set -euo pipefail
cd "$(dirname "$0")"
rounds=${1:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/all.txt" <<END
commit: $(git describe --always --dirty --exclude '*')
go: $(go env GOVERSION)
machine: $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 2^20 }' /proc/meminfo), $(uname -sr)
command: benchmarks/scenario.sh $rounds
END
go test -c -o "$work/bench" .
"$work/bench" -test.run '^$' -test.bench Scenario -test.benchtime 1x -test.count "$rounds" -test.timeout 0 >>"$work/all.txt"
mkdir -p results
mv "$work/all.txt" results/scenario.txt
