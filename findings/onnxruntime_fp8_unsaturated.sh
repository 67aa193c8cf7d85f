#!/bin/bash
# onnxruntime-node 1.30.0, CPU, operator Cast (opset 19) from FLOAT to the two FP8 types with saturate=0.
#
# Expected (ONNX's table for saturate=0, and what the same operator does everywhere else): E4M3FN has no infinity, so all
# above 464, the tie that still rounds to the largest number 448, become NaN; E5M2 becomes infinity from 61440 on, the tie
# between its largest number 57344 and 65536.
# Seen: E4M3FN is NaN above 464, but 448 again from 480 up to 496, where the rounded mantissa would be the code of NaN;
# E5M2 is NaN from 61440 up to 65536 and infinity only from there on.
# So a scale that overflows by a little gives a plausible finite number in E4M3FN, and an amax check that looks for
# infinities in E5M2 finds none.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
ONNXRUNTIME_NODE_INSTALL=skip npm install --no-audit --no-fund onnxruntime-node@1.30.0 onnx-proto@8.0.1 >npm.log 2>&1 || {
    tail -n 5 npm.log >&2
    exit 2
}
cat >cast.js <<'JS'
const { onnx } = require('onnx-proto'), ort = require('onnxruntime-node');
const FLOAT = 1, E4M3FN = 17, E5M2 = 19;
const cast = (from, to, type, more) => ({
    opType: 'Cast', input: [from], output: [to], attribute: [{ name: 'to', type: 2, i: type }, ...more] });
const unsaturated = [{ name: 'saturate', type: 2, i: 0 }];
const value = name => ({ name, type: { tensorType: { elemType: FLOAT, shape: { dim: [{ dimParam: 'n' }] } } } });
const there_and_back = type => onnx.ModelProto.encode(onnx.ModelProto.create({
    irVersion: 9, opsetImport: [{ domain: '', version: 19 }],
    graph: { name: 'g', node: [cast('x', 'q', type, unsaturated), cast('q', 'y', FLOAT, [])], input: [value('x')], output: [value('y')] }
})).finish();
async function seen(type, x) {
    const session = await ort.InferenceSession.create(there_and_back(type), { graphOptimizationLevel: 'disabled' });
    const y = (await session.run({ x: new ort.Tensor('float32', Float32Array.from(x), [x.length]) })).y.data;
    return x.map((v, i) => `${v}:${y[i]}`).join(' ');
}
(async () => {
    console.log('onnxruntime-node', require('onnxruntime-node/package.json').version);
    console.log('E4M3FN', await seen(E4M3FN, [448, 464, 465, 479, 480, 495, 496, 1000]));
    console.log('E5M2', await seen(E5M2, [57344, 61439, 61440, 65535, 65536, 1e9]));
})();
JS
node cast.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
onnxruntime-node 1.30.0
E4M3FN 448:448 464:448 465:NaN 479:NaN 480:448 495:448 496:NaN 1000:NaN
E5M2 57344:57344 61439:57344 61440:NaN 65535:NaN 65536:Infinity 1000000000:Infinity
EXPECTED
