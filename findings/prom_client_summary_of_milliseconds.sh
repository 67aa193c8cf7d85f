#!/bin/bash
# prom-client 15.1.3 (with its tdigest 0.1.2), Summary: the quantiles that a gateway in front of inference servers reports, of 20000
# times that it took with Date.now(), in whole milliseconds. Each hundredth request took 1000 ms.
#
# Expected: an estimate between neighbours of the stored quantile: if all others took 10 ms, so did the 50th, 90th and 95th
# percentile; if they took 10 and 11 ms, these are 10 to 11.
# Seen: 20, 812 and 911 ms. Equal values become one point of the digest whatever their number, and between two points it draws a
# straight line from the middle of one's requests to the middle of the other's. With 10 and 11 ms the 90th percentile is 628 ms,
# with ten values of 10 to 19 the 95th is 182 ms. If the same requests come with fractions, as performance.now() has them, all
# quantiles up to there are right.
# So a coarser clock makes one slow request of a hundred look like one of ten, and what is whole by nature (batch sizes, tokens,
# tokens per expert) gets tails that it does not have: the 90th percentile of batches of 1 for 95 % and of 64 else is 55.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts prom-client@15.1.3 tdigest@0.1.2 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >summary.js <<'JS'
const { Summary } = require('prom-client'), N = 20000, QUANTILES = [0.5, 0.9, 0.95, 0.99];
let random = 1, made = 0;
const uniform = () => (random = random * 48271 % 2147483647) / 2147483647;
async function seen(what, value, shown = QUANTILES) {
    const summary = new Summary({ name: `s${made++}`, help: 'ms', percentiles: QUANTILES, registers: [] });
    const all = Array.from({ length: N }, (_, i) => value(i));
    all.forEach(v => summary.observe(v));
    all.sort((a, b) => a - b);
    const { values } = await summary.get();
    console.log(`${what}:`, shown.map((q, i) => `p${100 * q} ${values[i].value.toFixed(0)} (${all[Math.ceil(q * N) - 1].toFixed(0)})`).join(', '));
}
const slow = fast => i => (i % 100 ? fast() : 1000);
(async () => {
    for (const name of ['prom-client', 'tdigest']) console.log(name, require(`${name}/package.json`).version);
    await seen('10 ms', slow(() => 10));
    await seen('10 and 11 ms', slow(() => 10 + Math.floor(2 * uniform())));
    await seen('10 to 19 ms', slow(() => 10 + Math.floor(10 * uniform())));
    await seen('10 to 12 ms with fractions', slow(() => 10 + 2 * uniform()), [0.5, 0.9, 0.95]);
    await seen('batches of 1 and 64', i => (i % 20 ? 1 : 64));
})();
JS
node summary.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
prom-client 15.1.3
tdigest 0.1.2
10 ms: p50 20 (10), p90 812 (10), p95 911 (10), p99 990 (10)
10 and 11 ms: p50 11 (11), p90 628 (11), p95 824 (11), p99 980 (11)
10 to 19 ms: p50 15 (15), p90 19 (19), p95 182 (19), p99 909 (19)
10 to 12 ms with fractions: p50 11 (11), p90 12 (12), p95 12 (12)
batches of 1 and 64: p50 4 (1), p90 55 (1), p95 61 (1), p99 64 (64)
EXPECTED
