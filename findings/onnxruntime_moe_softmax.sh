#!/bin/bash
# onnxruntime-node 1.30.0, CPU, operators MoE and QMoE (com.microsoft), activation relu, one token, three experts, router_probs
# [0.7, 0.2, 0.1]. The experts multiply by 1, 100 and 10000, so that the output shows the weights with which they are mixed.
#
# Expected: an input called router_probs, of which the schema says a shape and that it serves "for both selection and
# aggregation", holds probabilities: 0.7 and 0.2 are the weights, with normalize_routing_weights 0.778 and 0.222. And QMoE is
# MoE with quantized weights: the same numbers.
# Seen: both take it for logits. MoE puts a softmax over all experts (0.464 and 0.284), and with normalize_routing_weights
# divides by the sum of the k chosen. QMoE has the softmax over the chosen alone whatever normalize_routing_weights says: 0.622
# and 0.378, and with k = 1 the weight 1.
# So a router that ends in softmax is nearly flattened, and to quantize a model that does not normalize (DeepSeek-V2,
# Qwen1.5-MoE) changes its mixture, here by a factor of up to 2.2: no error, no warning, plausible text.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
ONNXRUNTIME_NODE_INSTALL=skip npm install --no-audit --no-fund onnxruntime-node@1.30.0 onnx-proto@8.0.1 >npm.log 2>&1 || {
    tail -n 5 npm.log >&2
    exit 2
}
cat >moe.js <<'JS'
const { onnx } = require('onnx-proto'), ort = require('onnxruntime-node');
const FLOAT = 1, UINT8 = 2, EXPERTS = 3, WIDTH = 32, GAIN = [1, 100, 10000];
const value = (name, t) => ({ name, type: { tensorType: {
    elemType: t.type === 'uint8' ? UINT8 : FLOAT, shape: { dim: t.dims.map(n => ({ dimValue: n })) } } } });
const floats = (data, ...dims) => new ort.Tensor('float32', Float32Array.from(data), dims);
// Both matrices of each expert hold one element only, that of the first input and output.
const first = (cells, n, at) => Array.from({ length: n }, (_, i) => (i % cells ? 0 : at(i / cells)));
const cells = WIDTH * WIDTH;
const token = { x: floats(first(WIDTH, WIDTH, () => 1), 1, WIDTH), router_probs: floats([0.7, 0.2, 0.1], 1, EXPERTS) };
const plain = { ...token,
    w1: floats(first(cells, EXPERTS * cells, () => 1), EXPERTS, WIDTH, WIDTH),
    w2: floats(first(cells, EXPERTS * cells, e => GAIN[e]), EXPERTS, WIDTH, WIDTH) };
// 8 bits, zero at 128: 228 times the scale 0.01 is 1.
const bytes = new ort.Tensor('uint8', Uint8Array.from(first(cells, EXPERTS * cells, () => 100), v => v + 128), [EXPERTS, WIDTH, WIDTH]);
const quantized = { ...token,
    w1: bytes, s1: floats(Array(EXPERTS * WIDTH).fill(0.01), EXPERTS, WIDTH),
    w2: bytes, s2: floats(Array.from({ length: EXPERTS * WIDTH }, (_, i) => 0.01 * GAIN[Math.floor(i / WIDTH)]), EXPERTS, WIDTH) };
async function mixture(op, feeds, input, k, normalize) {
    const int = (name, i) => ({ name, type: 2, i });
    const attribute = [int('k', k), int('normalize_routing_weights', normalize), { name: 'activation_type', type: 3, s: Buffer.from('relu') }];
    if (op === 'QMoE') attribute.push(int('expert_weight_bits', 8));
    const model = onnx.ModelProto.encode(onnx.ModelProto.create({
        irVersion: 10, opsetImport: [{ domain: '', version: 20 }, { domain: 'com.microsoft', version: 1 }],
        graph: { name: 'g', node: [{ opType: op, domain: 'com.microsoft', input, output: ['y'], attribute }],
            input: Object.entries(feeds).map(([name, t]) => value(name, t)), output: [value('y', feeds.x)] }
    })).finish();
    const session = await ort.InferenceSession.create(model);
    return (await session.run(feeds)).y.data[0].toFixed(3);
}
(async () => {
    console.log('onnxruntime-node', require('onnxruntime-node/package.json').version);
    for (const k of [1, 2]) for (const normalize of [0, 1]) console.log(`k ${k} normalize ${normalize}:`,
        'MoE', await mixture('MoE', plain, ['x', 'router_probs', 'w1', '', 'w2'], k, normalize),
        'QMoE', await mixture('QMoE', quantized, ['x', 'router_probs', 'w1', 's1', '', 'w2', 's2'], k, normalize));
})();
JS
node moe.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
onnxruntime-node 1.30.0
k 1 normalize 0: MoE 0.464 QMoE 1.000
k 1 normalize 1: MoE 1.000 QMoE 1.000
k 2 normalize 0: MoE 28.605 QMoE 38.377
k 2 normalize 1: MoE 38.377 QMoE 38.377
EXPECTED
