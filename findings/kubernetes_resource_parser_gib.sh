#!/bin/bash
# kubernetes-resource-parser 0.1.0 (npm), memoryParser: memory of nodes and limits of pods in Kubernetes' notation for quantities.
#
# Expected: each of the forms that Kubernetes' documentation gives for about the same memory, 128974848, 129e6, 129M, 128974848000m and
# 123Mi, as about 129 MB, and fractions like 1.5Gi as 1.5 times 2^30.
# Seen: 129e6 is 129 B, 128974848000m is NaN, 1.5Ti and 0.5Ti are 1 B and 0 B: digits up to the first other character are the
# number, and what is after them the suffix, if it is one it knows. Whole numbers with its suffixes are right, and so is cpuParser.
# So a node of 1.5 TiB has no memory for the experts that do not fit its GPUs, or a limit of half a TiB does not count in a sum.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts kubernetes-resource-parser@0.1.0 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >memory.js <<'JS'
const { cpuParser, memoryParser } = require('kubernetes-resource-parser');
console.log('kubernetes-resource-parser', require('kubernetes-resource-parser/package.json').version);
for (const quantity of ['128974848', '129M', '123Mi', '129e6', '128974848000m', '2Ti', '1.5Ti', '0.5Ti', '1e12'])
    console.log(`${quantity}: ${memoryParser(quantity)} B`);
console.log(`cpu 1500m: ${cpuParser('1500m')}, 1.5: ${cpuParser('1.5')}`);
JS
node memory.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
kubernetes-resource-parser 0.1.0
128974848: 128974848 B
129M: 129000000 B
123Mi: 128974848 B
129e6: 129 B
128974848000m: NaN B
2Ti: 2199023255552 B
1.5Ti: 1 B
0.5Ti: 0 B
1e12: 1 B
cpu 1500m: 1.5, 1.5: 1.5
EXPECTED
