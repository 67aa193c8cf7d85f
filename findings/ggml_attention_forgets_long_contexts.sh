#!/bin/bash
# ggml of llama.cpp as in @node-llama-cpp/linux-x64 3.22.1 (x86-64, glibc), its CPU backend for any x86-64: ggml_flash_attn_ext of one
# query, precision set to F32, over a cache of n equal keys, so that each of the n values counts 1 / n; head size 64.
#
# Expected: the mean of the values: 1 if they are 1, 100 if they are 100, for any n and any type of the cache.
# Seen: if the cache is F16, the usual one, sums before their division by n are F16, too, whatever the precision asked for: they
# stop growing at 2048 (2048 + 1 = 2048 in F16), so that 4096 ones have the mean 0.5 and 16384 have 0.125, and values of 100
# overflow with 1024 keys. BF16, with three bits less a value, and Q8_0 are right: their sums are F32.
# So quality over context length by this backend is that of the accumulator, in favour of quantized caches, and a reference
# computed on the CPU is no reference.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @node-llama-cpp/linux-x64@3.22.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >attention.py <<'PY'
import ctypes
libs = 'node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-'
base, cpu = (ctypes.CDLL(f'{libs}{name}.so', mode=ctypes.RTLD_GLOBAL) for name in ('base', 'cpu-x64'))
class Params(ctypes.Structure):
    _fields_ = [('size', ctypes.c_size_t), ('buffer', ctypes.c_void_p), ('no_alloc', ctypes.c_bool)]
def call(name, *arguments):
    function = getattr(base, f'ggml_{name}')
    function.restype = ctypes.c_void_p
    return ctypes.c_void_p(function(*arguments))
cpu.ggml_cpu_init()
HEAD, PREC_F32 = 64, 10
def attention(kind, n, value):
    context = call('init', Params(1 << 26, None, False))
    def filled(kind, rows, number):
        x = call('new_tensor_4d', context, kind, *(ctypes.c_int64(d) for d in (HEAD, rows, 1, 1)))
        source = (ctypes.c_float * (HEAD * rows))(*[number] * (HEAD * rows))
        call('quantize_chunk', kind, source, call('get_data', x), ctypes.c_int64(0), ctypes.c_int64(rows), ctypes.c_int64(HEAD), None)
        return x
    y = call('flash_attn_ext', context, filled(0, 1, 0), filled(kind, n, 0), filled(kind, n, value), None,
             ctypes.c_float(1), ctypes.c_float(0), ctypes.c_float(0))
    base.ggml_flash_attn_ext_set_prec(y, PREC_F32)
    graph = call('new_graph', context)
    base.ggml_build_forward_expand(graph, y)
    cpu.ggml_graph_compute_with_ctx(context, graph, 1)
    mean = ctypes.c_float.from_address(call('get_data', y).value).value
    base.ggml_free(context)
    return mean
for value, lengths in (1, (2048, 4096, 16384)), (100, (512, 1024)):
    for n in lengths:
        print(f'{n} values of {value}:', ', '.join(f'{name} {attention(kind, n, value):.3g}'
                                                for name, kind in (('F32', 0), ('F16', 1), ('BF16', 30), ('Q8_0', 8))))
PY
python3 attention.py >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
2048 values of 1: F32 1, F16 1, BF16 1, Q8_0 1
4096 values of 1: F32 1, F16 0.5, BF16 1, Q8_0 1
16384 values of 1: F32 1, F16 0.125, BF16 1, Q8_0 1
512 values of 100: F32 100, F16 96.7, BF16 100, Q8_0 100
1024 values of 100: F32 100, F16 inf, BF16 100, Q8_0 100
EXPECTED
