#!/bin/bash
# HiGHS 1.15 as in the npm package highs 1.15.3, default options, linear programmes in SI units.
#
# Expected: 1e9 B over a link of 50e9 B/s take 0.02 s; a budget of 3.3e24 FLOP at 2.22e11 FLOP a token (37e9 active parameters)
# trains 1.486e13 tokens, of which 1e14 are there.
# Seen: status Optimal, 0 s and 1e14 tokens. Coefficients of a matrix up to 1e-9 count as zero, and 1 / 50e9 is 2e-11; bounds of
# rows from 1e20 on count as infinite. The solver's log warns of the first, but is off in this package and most others that
# call the library; the result gives the row's activity as 0, not -0.02. In ns, and in units of 1e15 FLOP, both are right.
# So every transfer time of a schedule in seconds and bytes is free on links faster than 1 GB/s, and every compute budget that
# deserves the name is ignored.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts highs@1.15.3 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >units.js <<'JS'
const fs = require('fs');
require('highs')().then(highs => {
    const seen = (what, programme) => {
        const { Status, ObjectiveValue } = highs.solve(programme);
        console.log(`${what}: ${Status}, ${ObjectiveValue.toPrecision(4)}`);
    };
    const transfer = unit => `Minimize\n time: t\nSubject To\n link: t - ${unit / 50e9} x >= 0\n bytes: x >= 1e9\nEnd\n`;
    const training = unit => `Maximize\n tokens: x\nSubject To\n budget: ${2.22e11 / unit} x <= ${3.3e24 / unit}\n data: x <= 1e14\nEnd\n`;
    console.log('highs', JSON.parse(fs.readFileSync('node_modules/highs/package.json')).version);
    seen('transfer in s', transfer(1));
    seen('transfer in ns', transfer(1e9));
    seen('tokens for FLOP', training(1));
    seen('tokens for PFLOP', training(1e15));
});
JS
node units.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
highs 1.15.3
transfer in s: Optimal, 0.000
transfer in ns: Optimal, 2.000e+7
tokens for FLOP: Optimal, 1.000e+14
tokens for PFLOP: Optimal, 1.486e+13
EXPECTED
