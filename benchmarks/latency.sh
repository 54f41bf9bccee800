#!/usr/bin/env bash
# Runs the benchmarks of time over a network so many times (usually 10, about eight
# minutes) and writes results/latency.txt, from which README.md's table is made:
#
#   benchmarks/latency.sh && go test ./benchmarks -run Table -update
#
# Every round runs everything. They sleep nearly all the time, so six run side by
# side.
set -euo pipefail
cd "$(dirname "$0")"
rounds=${1:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -c -o "$work/bench" .

cat >"$work/all.txt" <<END
commit: $(git describe --always --dirty --exclude '*')
go: $(go env GOVERSION)
machine: $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 2^20 }' /proc/meminfo), $(uname -sr)
command: benchmarks/latency.sh $rounds
END
for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  running=()
  for asked in Latency///rtt={0s,20ms,100ms} Age Recovery 'First|Loop|RoundTrip'; do
    "$work/bench" -test.run '^$' -test.bench "$asked" >"$work/part${#running[@]}.txt" &
    running+=($!)
  done
  for part in "${running[@]}"; do wait "$part"; done
  cat "$work"/part*.txt >>"$work/all.txt"
done
mkdir -p results
mv "$work/all.txt" results/latency.txt
