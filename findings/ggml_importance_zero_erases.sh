#!/bin/bash
# ggml of llama.cpp as in @node-llama-cpp/linux-x64 3.22.1 (x86-64, glibc), ggml_quantize_chunk with an importance matrix: the sums
# of squared activations per input channel that a calibration run collects.
#
# Expected: importance only shifts error between the weights of a block; for an expert that no calibration token was routed to,
# all zeros, it says nothing, and the result is that of no matrix.
# Seen: for Q4_0, Q5_0, IQ4_NL, IQ4_XS and Q2_K to Q6_K the whole expert becomes zero, as does each block of channels without
# activations in an expert that was used; 1e-12 in their place gives the usual error. Q4_1, Q5_1, Q8_0 and MXFP4 do not care.
# So a mixture calibrated on text of one kind loses the experts of the others, at a size and speed like any other file.
# llama-quantize puts ones where a count is zero; programs that call the library, matrices of the old format and dead channels
# have no such guard.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @node-llama-cpp/linux-x64@3.22.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >importance.py <<'PY'
import ctypes, random
ggml = ctypes.CDLL('node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so')
ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
TYPES = {'q4_0': 2, 'q4_1': 3, 'q5_0': 6, 'q5_1': 7, 'q8_0': 8, 'q2_K': 10, 'q3_K': 11, 'q4_K': 12, 'q5_K': 13, 'q6_K': 14,
         'iq4_nl': 20, 'iq4_xs': 23, 'mxfp4': 39}
N = 4096
random.seed(1)
weights = (ctypes.c_float * N)(*(random.gauss(0, 0.02) for _ in range(N)))
def error(name, importance):
    packed, back = (ctypes.c_uint8 * (4 * N))(), (ctypes.c_float * N)()
    matrix = (ctypes.c_float * N)(*importance) if importance else None
    ggml.ggml_quantize_chunk(ctypes.c_int(TYPES[name]), weights, packed, ctypes.c_int64(0), ctypes.c_int64(1), ctypes.c_int64(N), matrix)
    getattr(ggml, f'dequantize_row_{name}')(packed, back, ctypes.c_int64(N))
    return 100 * (sum((a - b) ** 2 for a, b in zip(weights, back)) / sum(a * a for a in weights)) ** 0.5
for name in TYPES:
    none, ones, small, zeros = (error(name, m) for m in (None, [1] * N, [1e-12] * N, [0] * N))
    print(f'{name}: none {none:.0f} %, ones {ones:.0f} %, 1e-12 {small:.0f} %, zeros {zeros:.0f} %')
PY
python3 importance.py >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
q4_0: none 8 %, ones 8 %, 1e-12 8 %, zeros 100 %
q4_1: none 8 %, ones 7 %, 1e-12 7 %, zeros 8 %
q5_0: none 4 %, ones 4 %, 1e-12 4 %, zeros 100 %
q5_1: none 4 %, ones 3 %, 1e-12 3 %, zeros 4 %
q8_0: none 1 %, ones 1 %, 1e-12 1 %, zeros 1 %
q2_K: none 29 %, ones 26 %, 1e-12 26 %, zeros 100 %
q3_K: none 15 %, ones 14 %, 1e-12 14 %, zeros 100 %
q4_K: none 7 %, ones 7 %, 1e-12 7 %, zeros 100 %
q5_K: none 4 %, ones 3 %, 1e-12 3 %, zeros 100 %
q6_K: none 2 %, ones 2 %, 1e-12 2 %, zeros 100 %
iq4_nl: none 8 %, ones 7 %, 1e-12 7 %, zeros 100 %
iq4_xs: none 8 %, ones 8 %, 1e-12 8 %, zeros 100 %
mxfp4: none 11 %, ones 11 %, 1e-12 11 %, zeros 11 %
EXPECTED
