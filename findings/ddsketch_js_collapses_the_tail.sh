#!/bin/bash
# @datadog/sketches-js 2.1.1 (npm) with protobufjs, LogCollapsingLowestDenseDDSketch with its 2048 bins and a relative accuracy of
# 0.1 %: quantiles of 10000 latencies from 10 ms to 10 s, in three orders.
#
# Expected: where 2048 bins are too few the lowest are put together, so that the higher quantiles stay within 0.1 %, in any order;
# DDSketch, without a limit, is within 0.1 % everywhere.
# Seen: so if the latencies come mixed or falling. If they rise, as those of a queue that fills do, the median is 0.17 s instead of 0.32
# and the 99th percentile 0.56 s instead of 9.3: once the lowest are put together the store loses where its bins are. Count and largest
# value are right beside them.
# So the overload that upper quantiles are watched for is what hides them, and the same requests in another order have another tail.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @datadog/sketches-js@2.1.1 protobufjs@8.8.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >latency.js <<'JS'
const { DDSketch, LogCollapsingLowestDenseDDSketch } = require('@datadog/sketches-js'), accuracy = { relativeAccuracy: 0.001 };
console.log('@datadog/sketches-js', JSON.parse(require('fs').readFileSync('node_modules/@datadog/sketches-js/package.json')).version);
const rising = Array.from({ length: 10000 }, (_, i) => 10 ** (-2 + (3 * i) / 9999));
const orders = { rising, falling: rising.slice().reverse(), mixed: rising.map((_, i) => rising[(i * 7919) % rising.length]) };
const seen = (what, sketch) => console.log(`${what}:`, [0.5, 0.9, 0.99].map(q => sketch.getValueAtQuantile(q).toFixed(2)).join(' s, '), 's,',
    `count ${sketch.count}, largest ${sketch.max.toFixed(2)} s`);
const filled = (sketch, latencies) => (latencies.forEach(latency => sketch.accept(latency)), sketch);
console.log('right:', [0.5, 0.9, 0.99].map(q => rising[Math.floor(q * (rising.length - 1))].toFixed(2)).join(' s, '), 's');
for (const [order, latencies] of Object.entries(orders)) {
    seen(`${order}, DDSketch`, filled(new DDSketch(accuracy), latencies));
    seen(`${order}, LogCollapsingLowestDenseDDSketch`, filled(new LogCollapsingLowestDenseDDSketch(accuracy), latencies));
}
JS
node latency.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
@datadog/sketches-js 2.1.1
right: 0.32 s, 5.01 s, 9.33 s
rising, DDSketch: 0.32 s, 5.01 s, 9.33 s, count 10000, largest 10.00 s
rising, LogCollapsingLowestDenseDDSketch: 0.17 s, 0.30 s, 0.56 s, count 10000, largest 10.00 s
falling, DDSketch: 0.32 s, 5.01 s, 9.33 s, count 10000, largest 10.00 s
falling, LogCollapsingLowestDenseDDSketch: 0.32 s, 5.01 s, 9.33 s, count 10000, largest 10.00 s
mixed, DDSketch: 0.32 s, 5.01 s, 9.33 s, count 10000, largest 10.00 s
mixed, LogCollapsingLowestDenseDDSketch: 0.32 s, 5.01 s, 9.33 s, count 10000, largest 10.00 s
EXPECTED
