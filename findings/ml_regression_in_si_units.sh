#!/bin/bash
# ml-regression-multivariate-linear 2.0.4 with ml-matrix 6.15.1 (npm): the time of a kernel as a start, a time per byte and a time per
# message, fitted to eight times that were made from 5 us, 50 GB/s and 1 us without noise.
#
# Expected: the three numbers to many digits, as numpy's lstsq and others give them, in any units.
# Seen: from seconds and bytes 0.14 us, 49.9 GB/s and 1.46 us, and times of small messages that are 73 % off. It solves the normal
# equations by an inverse that leaves out what is below 3e-16 of the largest, and a column of 1 beside one of 1e8 is that small when
# both are squared. From us and MB it is exact.
# So latency and overhead of a model of a network are wrong by factors while its bandwidth is right, and with it the residuals of all
# large messages.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts ml-regression-multivariate-linear@2.0.4 ml-matrix@6.15.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >kernel.js <<'JS'
const module_ = require('ml-regression-multivariate-linear'), Regression = module_.default ?? module_;
for (const name of ['ml-regression-multivariate-linear', 'ml-matrix'])
    console.log(name, JSON.parse(require('fs').readFileSync(`node_modules/${name}/package.json`)).version);
const kernels = [[1e3, 1], [1e4, 3], [1e5, 2], [1e6, 5], [1e7, 4], [1e8, 9], [3e7, 1], [2e5, 16]];
const time_s = ([bytes, messages]) => 5e-6 + bytes / 50e9 + messages * 1e-6;
function seen(what, inputs, times, scale_s, scale_B) {
    const [[per_byte], [per_message], [start]] = new Regression(inputs, times.map(time => [time])).weights;
    const worst = Math.max(...inputs.map(([bytes, messages], i) => Math.abs(start + per_byte * bytes + per_message * messages - times[i]) / times[i]));
    console.log(`${what}: start ${(start * scale_s * 1e6).toFixed(2)} us, ${(scale_B / per_byte / scale_s / 1e9).toFixed(1)} GB/s,`,
        `${(per_message * scale_s * 1e6).toFixed(2)} us a message, worst time off by ${(100 * worst).toFixed(1)} %`);
}
seen('s and B', kernels, kernels.map(time_s), 1, 1);
seen('us and MB', kernels.map(([bytes, messages]) => [bytes / 1e6, messages]), kernels.map(kernel => time_s(kernel) * 1e6), 1e-6, 1e6);
JS
node kernel.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
ml-regression-multivariate-linear 2.0.4
ml-matrix 6.15.1
s and B: start 0.14 us, 49.9 GB/s, 1.46 us a message, worst time off by 73.2 %
us and MB: start 5.00 us, 50.0 GB/s, 1.00 us a message, worst time off by 0.0 %
EXPECTED
