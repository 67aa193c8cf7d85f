#!/bin/bash
# Apache Arrow for JavaScript 21.2.0 (npm apache-arrow), columns of type Float16, as tensors, embeddings and scales are exchanged,
# made from numbers; beside it what IEEE 754 says (npm @petamoriken/float16 3.9.3).
#
# Expected: round to nearest, ties to even; infinity from 65520 on; zero below half of the smallest number, 2^-24.
# Seen: what is too large comes back as a small number, 65536 as 2, 100000 as 3.05, 1000000 as 3.81, if the lower half of its double
# is zero: all that was BF16, two fifths of integers, an eighth of what was F32. What is too small comes back as anything in 97 % of
# cases: 1e-8 as minus infinity, 1e-9 as 4.2e-5, 1e-20 as 1.9e-5. Ties go away from zero: 2049 is 2050. In between the bits are
# right, so that a test with ordinary numbers passes.
# So an outlier of an activation, which a check for infinities is there to find, hides in the middle of the others, and a gradient or
# a probability near zero is one of the larger ones or makes the sum infinite.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts apache-arrow@21.2.0 @petamoriken/float16@3.9.3 >npm.log 2>&1 || {
    tail -n 5 npm.log >&2
    exit 2
}
cat >half.js <<'JS'
const { vectorFromArray, Float16 } = require('apache-arrow'), { f16round } = require('@petamoriken/float16');
console.log('apache-arrow', JSON.parse(require('fs').readFileSync('node_modules/apache-arrow/package.json')).version);
const seen = numbers => vectorFromArray(numbers, new Float16());
const samples = [0.1, 65519, 65520, 65536, 1e5, 1e6, -1e5, 2049, 6e-8, 2e-8, 1e-8, 1e-9, 1e-20];
const column = seen(samples);
samples.forEach((x, i) => console.log(`${x}: ${column.get(i)}${Object.is(column.get(i), f16round(x)) ? '' : ` instead of ${f16round(x)}`}`));
let random = 1;
const uniform = () => (random = random * 48271 % 2147483647) / 2147483647;
const bits = new DataView(new ArrayBuffer(4));
const bf16 = x => (bits.setFloat32(0, x), bits.setUint16(2, 0), bits.getFloat32(0));
for (const [low, high] of [[-4, 4], [5, 9], [-12, -8]]) {
    const line = Object.entries({ doubles: x => x, integers: Math.round, 'from F32': Math.fround, 'from BF16': bf16 }).map(([what, made]) => {
        const numbers = Array.from({ length: 10000 }, () => made(10 ** (low + (high - low) * uniform()))), halves = seen(numbers);
        return `${numbers.filter((x, i) => !Object.is(halves.get(i), f16round(x))).length} ${what}`;
    });
    console.log(`wrong of 10000 from 1e${low} to 1e${high}: ${line.join(', ')}`);
}
JS
node half.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
apache-arrow 21.2.0
0.1: 0.0999755859375
65519: 65504
65520: Infinity
65536: 2 instead of Infinity
100000: 3.05078125 instead of Infinity
1000000: 3.814453125 instead of Infinity
-100000: -3.05078125 instead of -Infinity
2049: 2050 instead of 2048
6e-8: 5.960464477539063e-8
2e-8: 0
1e-8: -Infinity instead of 0
1e-9: 0.000041961669921875 instead of 0
1e-20: 0.00001919269561767578 instead of 0
wrong of 10000 from 1e-4 to 1e4: 2 doubles, 163 integers, 3 from F32, 0 from BF16
wrong of 10000 from 1e5 to 1e9: 0 doubles, 4125 integers, 1288 from F32, 10000 from BF16
wrong of 10000 from 1e-12 to 1e-8: 9728 doubles, 0 integers, 9730 from F32, 882 from BF16
EXPECTED
