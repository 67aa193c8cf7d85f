#!/bin/bash
# onnxruntime-node 1.30.0, CPU, operator Cast (opset 19) from DOUBLE to FLOAT16, BFLOAT16 and FLOAT8E4M3FN.
#
# Expected: one rounding to the nearest. 1 + h + 2^-40, where h is half a unit of the narrow format's last place, lies above the
# tie and becomes the next number, 1 + 2 h.
# Seen: 1. The value goes through FLOAT, which drops 2^-40, and the tie that is left rounds to even: two roundings, an error
# of a whole half unit. A study of rounding that computes its reference in doubles and casts once finds a bias that the
# format does not have.
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
const FLOAT = 1, DOUBLE = 11;
const cast = (from, to, type) => ({
    opType: 'Cast', input: [from], output: [to], attribute: [{ name: 'to', type: 2, i: type }] });
const value = (name, type) => ({ name, type: { tensorType: { elemType: type, shape: { dim: [{ dimParam: 'n' }] } } } });
async function seen(name, type, half) {
    const model = onnx.ModelProto.encode(onnx.ModelProto.create({
        irVersion: 9, opsetImport: [{ domain: '', version: 19 }],
        graph: { name: 'g', node: [cast('x', 'q', type), cast('q', 'y', FLOAT)], input: [value('x', DOUBLE)], output: [value('y', FLOAT)] }
    })).finish();
    const session = await ort.InferenceSession.create(model, { graphOptimizationLevel: 'disabled' });
    const x = Float64Array.from([1 + half + 2 ** -40, 1 + half + 2 ** -20]);
    const y = (await session.run({ x: new ort.Tensor('float64', x, [x.length]) })).y.data;
    console.log(name, 'above the tie by 2^-40:', (y[0] - 1) / half, 'half units; by 2^-20:', (y[1] - 1) / half);
}
(async () => {
    console.log('onnxruntime-node', require('onnxruntime-node/package.json').version);
    await seen('FLOAT16', 10, 2 ** -11);
    await seen('BFLOAT16', 16, 2 ** -8);
    await seen('FLOAT8E4M3FN', 17, 2 ** -4);
})();
JS
node cast.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
onnxruntime-node 1.30.0
FLOAT16 above the tie by 2^-40: 0 half units; by 2^-20: 2
BFLOAT16 above the tie by 2^-40: 0 half units; by 2^-20: 2
FLOAT8E4M3FN above the tie by 2^-40: 0 half units; by 2^-20: 2
EXPECTED
