#!/usr/bin/env bash
# Runs the benchmarks so many times (usually 10, about eleven minutes) and writes
# results/all.txt, from which README.md's table is made:
#
#   benchmarks/run.sh && go test ./benchmarks -run Table -update
#
# Every round runs everything, so that a machine which changes its pace does so
# for all transports alike.
set -euo pipefail
cd "$(dirname "$0")"
rounds=${1:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -c -o "$work/bench" .
bench() { "$work/bench" -test.run '^$' -test.bench "$1" -test.benchtime "$2" >>"$work/all.txt"; }

cat >"$work/all.txt" <<END
commit: $(git describe --always --dirty --exclude '*')
go: $(go env GOVERSION)
machine: $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 2^20 }' /proc/meminfo), $(uname -sr)
command: benchmarks/run.sh $rounds
END
for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  bench '^BenchmarkFanout$//readers=1000$' 50x
  bench '^BenchmarkIdle$' 1x
  bench '^BenchmarkConnect$' 300x
  bench '^BenchmarkCatchUp$' 5x
done
mkdir -p results
mv "$work/all.txt" results/all.txt
