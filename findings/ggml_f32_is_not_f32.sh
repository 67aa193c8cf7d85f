#!/bin/bash
# ggml of llama.cpp as in @node-llama-cpp/linux-x64 3.22.1 (x86-64, glibc), its CPU backend for any x86-64: ggml_mul_mat with F32
# activations and weights of 1 in several formats, each of which holds 1 exactly; ggml_gelu of an F32 tensor. Results are F32.
#
# Expected: weights are stored narrow, activations and arithmetic are F32, so that the dot products are exact to 1e-6: 70000 from
# one activation of 70000 and zeros, 63 from 63 ones beside one of 10000 whose weight is 0.
# Seen: the activations are converted first, to the weights' type or to 8 bits with a scale per 32: F16 gives infinity for 70000,
# and with Q8_0, Q4_0 and MXFP4 the 31 ones that share a block with the 10000 are gone: 32 instead of 63. GELU looks its values
# up in a table of FP16: an error of 4e-4 where SiLU has 2e-7.
# So "4-bit weights only" is W4A8 here, accuracy studies measure both at once, and massive activations, which mixtures of experts
# are known for, hurt formats that would not mind them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @node-llama-cpp/linux-x64@3.22.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >ops.py <<'PY'
import ctypes, math
libs = 'node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-'
base, cpu = (ctypes.CDLL(f'{libs}{name}.so', mode=ctypes.RTLD_GLOBAL) for name in ('base', 'cpu-x64'))
class Params(ctypes.Structure):
    _fields_ = [('size', ctypes.c_size_t), ('buffer', ctypes.c_void_p), ('no_alloc', ctypes.c_bool)]
def call(name, *arguments):
    function = getattr(base, f'ggml_{name}')
    function.restype = ctypes.c_void_p
    return ctypes.c_void_p(function(*arguments))
cpu.ggml_cpu_init()
context = call('init', Params(1 << 26, None, False))
def tensor(values, kind=0):
    n = len(values)
    x = call('new_tensor_2d', context, kind, ctypes.c_int64(n), ctypes.c_int64(1))
    source = (ctypes.c_float * n)(*values)
    call('quantize_chunk', ctypes.c_int(kind), source, call('get_data', x), ctypes.c_int64(0), ctypes.c_int64(1), ctypes.c_int64(n), None)
    return x
def compute(x, n):
    graph = call('new_graph', context)
    base.ggml_build_forward_expand(graph, x)
    cpu.ggml_graph_compute_with_ctx(context, graph, 1)
    return list((ctypes.c_float * n).from_address(call('get_data', x).value))
def dot(what, weights, activations):
    print(what, ', '.join(f'{name} {compute(call("mul_mat", context, tensor(weights, kind), tensor(activations)), 1)[0]:.1f}'
                          for name, kind in (('F32', 0), ('F16', 1), ('BF16', 30), ('Q8_0', 8), ('Q4_0', 2), ('MXFP4', 39))))
dot('70000 and zeros:', [1] * 64, [70000] + [0] * 63)
dot('63 ones and an outlier of no weight:', [0] + [1] * 63, [10000] + [1] * 63)
points = [i / 16 for i in range(-56, 57) if i]
for name, exact in (('gelu', lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))),
                    ('silu', lambda x: x / (1 + math.exp(-x)))):
    worst = max(abs(y / exact(x) - 1) for x, y in zip(points, compute(call(name, context, tensor(points)), len(points))))
    print(f'{name}: relative error up to {worst:.0e}')
PY
python3 ops.py >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
70000 and zeros: F32 70000.0, F16 inf, BF16 70144.0, Q8_0 69972.7, Q4_0 69977.0, MXFP4 69977.0
63 ones and an outlier of no weight: F32 63.0, F16 63.0, BF16 63.0, Q8_0 32.0, Q4_0 32.0, MXFP4 32.0
gelu: relative error up to 4e-04
silu: relative error up to 2e-07
EXPECTED
