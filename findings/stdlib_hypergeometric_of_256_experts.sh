#!/bin/bash
# @stdlib/random-base-hypergeometric 0.2.2 (npm): how many of the 8 experts of a GPU are among those of 256 that a step activates, or how
# many of the failed cables of a fabric are uplinks of one leaf; means of 20000 draws.
#
# Expected: 8 times the share of the experts that are active, for any number that the function takes.
# Seen: so for 64 and 128 experts. Of 160 and 256 it is 0 in every draw, and 8 in every draw if 200 of 256 are active: factorials of the
# numbers are multiplied before they are divided, the result is not a number any more, and the search ends where it starts.
# So a model of DeepSeek-V3's size never activates an expert of any GPU, or all of them, while the smaller model that the code was
# tried with is right.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @stdlib/random-base-hypergeometric@0.2.2 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >experts.js <<'JS'
const { factory } = require('@stdlib/random-base-hypergeometric'), DRAWS = 20000;
const at = 'node_modules/@stdlib/random-base-hypergeometric/package.json';
console.log('@stdlib/random-base-hypergeometric', JSON.parse(require('fs').readFileSync(at)).version);
for (const [experts, active] of [[64, 16], [128, 64], [160, 80], [256, 32], [256, 128], [256, 200], [512, 64]]) {
    const draw = factory(experts, 8, active, { seed: 1 });
    const drawn = Array.from({ length: DRAWS }, () => draw()), mean = drawn.reduce((a, b) => a + b) / DRAWS;
    console.log(`${active} of ${experts} active: ${mean.toFixed(1)} of 8 here (right: ${(8 * active / experts).toFixed(1)}), ${new Set(drawn).size} values`);
}
JS
node experts.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
@stdlib/random-base-hypergeometric 0.2.2
16 of 64 active: 2.0 of 8 here (right: 2.0), 8 values
64 of 128 active: 4.0 of 8 here (right: 4.0), 9 values
80 of 160 active: 0.0 of 8 here (right: 4.0), 1 values
32 of 256 active: 0.0 of 8 here (right: 1.0), 1 values
128 of 256 active: 0.0 of 8 here (right: 4.0), 1 values
200 of 256 active: 8.0 of 8 here (right: 6.3), 1 values
64 of 512 active: 0.0 of 8 here (right: 1.0), 1 values
EXPECTED
