#!/bin/bash
# @stdlib/random-base-binomial 0.2.2 (npm): how many of n tokens go to an expert with probability p, or how many bits of n flip; 100000
# draws each.
#
# Expected: mean n p and variance n p (1 - p), within 0.5 % and 2 %; what is between smaller and larger n or p than its methods take
# is an implementation's own affair.
# Seen: right for n p below 10. Above, where it draws by rejection, the mean is 3 to 4 % too high and the variance 8 to 11 % too low; of 22
# coins 13 heads are more frequent than 9, 15 % against 9 %. It fades with n p: 0.2 % of the mean at 100, nothing at 1000.
# So drawn loads of experts add up to more tokens than there are, imbalance, queues and drops come out too small in just the range of
# decoding (tens of tokens an expert), and a test at n = 1e4, p = 0.5 passes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @stdlib/random-base-binomial@0.2.2 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >tokens.js <<'JS'
const { factory } = require('@stdlib/random-base-binomial'), DRAWS = 100000;
console.log('@stdlib/random-base-binomial', JSON.parse(require('fs').readFileSync('node_modules/@stdlib/random-base-binomial/package.json')).version);
const draws = (n, p) => { const draw = factory(n, p, { seed: 1 }); return Array.from({ length: DRAWS }, () => draw()); };
for (const [n, p] of [[256, 1 / 32], [512, 1 / 32], [1e6, 1.2e-5], [128, 0.1], [40, 0.5], [1e4, 0.01], [800, 0.5], [1e4, 0.5]]) {
    const seen = draws(n, p), mean = seen.reduce((a, b) => a + b) / DRAWS, variance = seen.reduce((sum, k) => sum + (k - mean) ** 2, 0) / DRAWS;
    console.log(`n ${n}, p ${p}: mean ${(mean / n / p).toFixed(2)}, variance ${(variance / n / p / (1 - p)).toFixed(2)} of what is right`);
}
const heads = draws(22, 0.5), share = k => (100 * heads.filter(x => x === k).length / DRAWS).toFixed(0);
console.log(`of 22 coins 9, 10, 11, 12, 13 heads: ${[9, 10, 11, 12, 13].map(share).join(', ')} % (right: 12, 15, 17, 15, 12)`);
JS
node tokens.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
@stdlib/random-base-binomial 0.2.2
n 256, p 0.03125: mean 1.00, variance 1.01 of what is right
n 512, p 0.03125: mean 1.03, variance 0.92 of what is right
n 1000000, p 0.000012: mean 1.04, variance 0.91 of what is right
n 128, p 0.1: mean 1.04, variance 0.89 of what is right
n 40, p 0.5: mean 1.03, variance 0.89 of what is right
n 10000, p 0.01: mean 1.00, variance 1.01 of what is right
n 800, p 0.5: mean 1.00, variance 1.01 of what is right
n 10000, p 0.5: mean 1.00, variance 1.00 of what is right
of 22 coins 9, 10, 11, 12, 13 heads: 9, 13, 19, 19, 15 % (right: 12, 15, 17, 15, 12)
EXPECTED
