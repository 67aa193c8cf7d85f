#!/bin/bash
# @huggingface/hub 2.17.5, parseSafetensorsMetadata with computeParametersCount: the count that is shown for models on the hub. It
# reads the headers of one expert's gate projection of 2048 x 7168, served from memory, with the config.json of each quantizer.
#
# Expected: 14,680,064 parameters however they are stored: the library divides packed words by bits and leaves scales out.
# Seen: so for BF16, FP8 with block scales, NVFP4 of compressed-tensors, MXFP4 of gpt-oss and GPTQ. Of NVFP4 as NVIDIA's ModelOpt
# writes it and of MXFP4 as AMD's Quark does, two values a byte too, it counts bytes: 7,340,032. And of weights in the format's
# own type F4 without a quantization_config the scales are parameters, 6.25 % more.
# So one mixture of experts has all its parameters or little more than half by who quantized it; memory, time and price that start
# from that figure are off by two, and nothing distinguishes it from a smaller model.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @huggingface/hub@2.17.5 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >count.js <<'JS'
const fs = require('fs'), hub = require('@huggingface/hub');
const BITS = { BF16: 16, F16: 16, F32: 32, I32: 32, F8_E4M3: 8, U8: 8, F4: 4 };
function safetensors(tensors) {
    const header = {};
    let end = 0;
    for (const [name, [dtype, ...shape]] of Object.entries(tensors)) {
        const begin = end;
        end += shape.reduce((a, b) => a * b, BITS[dtype]) / 8;
        header[name] = { dtype, shape, data_offsets: [begin, end] };
    }
    const json = Buffer.from(JSON.stringify(header)), size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(json.length));
    return { bytes: Buffer.concat([size, json]), length: 8 + json.length + end };
}
function serve(files) {
    return async (url, options = {}) => {
        const file = files[new URL(url).pathname.split('/').pop()];
        if (!file) return new Response('', { status: 404 });
        const range = /(\d+)-(\d+)/.exec(new Headers(options.headers).get('range') ?? '');
        const from = range ? +range[1] : 0, to = range ? Math.min(+range[2] + 1, file.length) : file.length;
        const headers = { 'content-range': `bytes ${from}-${to - 1}/${file.length}`, 'content-length': `${to - from}`, etag: '"1"' };
        return new Response(options.method === 'HEAD' ? null : file.bytes.subarray(from, to), { status: range ? 206 : 200, headers });
    };
}
async function count(what, tensors, config) {
    const json = Buffer.from(JSON.stringify(config));
    const fetch = serve({ 'model.safetensors': safetensors(tensors), 'config.json': { bytes: json, length: json.length } });
    const { parameterCount } = await hub.parseSafetensorsMetadata({ repo: 'some/model', computeParametersCount: true, fetch });
    console.log(`${what}:`, Object.values(parameterCount).reduce((a, b) => a + b, 0));
}
const at = 'model.layers.3.mlp.experts.0.gate_proj', weight = `${at}.weight`;
const four_bits = { targets: ['Linear'], weights: { num_bits: 4, type: 'float', group_size: 16 } };
(async () => {
    console.log('@huggingface/hub', JSON.parse(fs.readFileSync('node_modules/@huggingface/hub/package.json')).version);
    await count('BF16', { [weight]: ['BF16', 2048, 7168] }, {});
    await count('FP8', { [weight]: ['F8_E4M3', 2048, 7168], [`${weight}_scale_inv`]: ['F32', 16, 56] },
        { quantization_config: { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [128, 128] } });
    await count('GPTQ', { [`${at}.qweight`]: ['I32', 896, 2048], [`${at}.qzeros`]: ['I32', 56, 256], [`${at}.scales`]: ['F16', 56, 2048] },
        { quantization_config: { quant_method: 'gptq', bits: 4, group_size: 128 } });
    await count('MXFP4, gpt-oss', { 'model.layers.3.mlp.experts.gate_up_proj_blocks': ['U8', 1, 2048, 224, 16],
        'model.layers.3.mlp.experts.gate_up_proj_scales': ['U8', 1, 2048, 224] }, { quantization_config: { quant_method: 'mxfp4' } });
    await count('NVFP4, compressed-tensors',
        { [`${weight}_packed`]: ['U8', 2048, 3584], [`${weight}_scale`]: ['F8_E4M3', 2048, 448], [`${weight}_global_scale`]: ['F32', 1] },
        { quantization_config: { quant_method: 'compressed-tensors', format: 'nvfp4-pack-quantized', config_groups: { group_0: four_bits } } });
    await count('NVFP4, ModelOpt',
        { [weight]: ['U8', 2048, 3584], [`${weight}_scale`]: ['F8_E4M3', 2048, 448], [`${weight}_scale_2`]: ['F32', 1] },
        { quantization_config: { quant_method: 'modelopt', quant_algo: 'NVFP4', config_groups: { group_0: four_bits } } });
    await count('MXFP4, Quark', { [weight]: ['U8', 2048, 3584], [`${weight}_scale`]: ['U8', 2048, 224] },
        { quantization_config: { quant_method: 'quark', global_quant_config: { weight: { dtype: 'fp4', group_size: 32 } } } });
    await count('F4', { [weight]: ['F4', 2048, 7168], [`${weight}_scale`]: ['F8_E4M3', 2048, 448] }, {});
})();
JS
node count.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
@huggingface/hub 2.17.5
BF16: 14680064
FP8: 14680064
GPTQ: 14680064
MXFP4, gpt-oss: 14680064
NVFP4, compressed-tensors: 14680064
NVFP4, ModelOpt: 7340032
MXFP4, Quark: 7340032
F4: 15597568
EXPECTED
