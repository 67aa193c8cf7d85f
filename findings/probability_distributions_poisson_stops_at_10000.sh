#!/bin/bash
# probability-distributions 0.9.1 (npm), rpois: arrivals of requests or tokens in an interval, by their mean.
#
# Expected: a Poisson distribution, whose variance is its mean, for any mean that the function takes.
# Seen: from a mean of 30 on the number is that of successes in 10000 trials: its mean is right and its variance that of a binomial
# distribution, 10 % too low at 1000, half at 5000. From 10000 on each draw is 10000, whatever was asked for.
# So bursts, which queues and tails of latencies live on, get smaller with the load, and above 10000 there is no randomness left
# and the load itself is wrong, without an error. (Each draw costs 10000 random numbers, too.)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts probability-distributions@0.9.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >arrivals.js <<'JS'
const random = require('probability-distributions');
console.log('probability-distributions', require('probability-distributions/package.json').version);
let seed = 1; // in place of its generator: the same draws in each run, and fast
random.prng = () => (seed = seed * 48271 % 2147483647) / 2147483647;
for (const asked of [20, 100, 1000, 5000, 9000, 10000, 20000, 1e6]) {
    const draws = random.rpois(2000, asked), mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    console.log(`${asked}: mean / asked ${(mean / asked).toFixed(2)}, variance / asked ${(variance / asked).toFixed(1)}`);
}
JS
node arrivals.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
probability-distributions 0.9.1
20: mean / asked 1.00, variance / asked 1.0
100: mean / asked 1.00, variance / asked 1.0
1000: mean / asked 1.00, variance / asked 0.9
5000: mean / asked 1.00, variance / asked 0.5
9000: mean / asked 1.00, variance / asked 0.1
10000: mean / asked 1.00, variance / asked 0.0
20000: mean / asked 0.50, variance / asked 0.0
1000000: mean / asked 0.01, variance / asked 0.0
EXPECTED
