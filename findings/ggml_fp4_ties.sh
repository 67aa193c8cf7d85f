#!/bin/bash
# ggml of llama.cpp as in @node-llama-cpp/linux-x64 3.22.1 (x86-64, glibc), quantize_row_mxfp4_ref and quantize_row_nvfp4_ref:
# the conversion of weights to FP4 E2M1 when a GGUF file is made.
#
# Expected: round to nearest, ties to even, as OCP's Microscaling specification asks of its conversions and as GPUs' do: with a
# scale of 1, 0.75 becomes 1, 1.75 becomes 2, 3.5 becomes 4.
# Seen: each tie goes towards zero: 0.5, 1.5, 3. (0.25, 1.25, 2.5 and 5 do, too, where even codes want the same.)
# Ties are not rare: weights that come from FP8 or from small integers sit on them, and are then all shrunk by up to a third.
# Perplexities or kernels' results that are compared with a GPU's own quantization differ without any bug in the model.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @node-llama-cpp/linux-x64@3.22.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >ties.py <<'PY'
import ctypes
ggml = ctypes.CDLL('node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so')
TIES = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5]
for name in 'mxfp4', 'nvfp4':
    # The 6 in front makes the scale 1. Blocks are of 32 and 16 values; rows of 64 suit both.
    values = [6, *TIES, *(-v for v in TIES), 0] + [0] * 48
    x, y, q = (ctypes.c_float * 64)(*values), (ctypes.c_float * 64)(), (ctypes.c_uint8 * 256)()
    n = ctypes.c_int64(64)
    getattr(ggml, f'quantize_row_{name}_ref')(x, q, n)
    getattr(ggml, f'dequantize_row_{name}')(q, y, n)
    print(name, 'largest', y[0], ', '.join(f'{a:g}: {b:g} {-c:g}' for a, b, c in zip(TIES, y[1:8], y[8:15])))
PY
python3 ties.py >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
mxfp4 largest 6.0 0.25: 0 -0, 0.75: 0.5 0.5, 1.25: 1 1, 1.75: 1.5 1.5, 2.5: 2 2, 3.5: 3 3, 5: 4 4
nvfp4 largest 6.0 0.25: 0 -0, 0.75: 0.5 0.5, 1.25: 1 1, 1.75: 1.5 1.5, 2.5: 2 2, 3.5: 3 3, 5: 4 4
EXPECTED
