#!/bin/bash
# jsfive 0.4.2 (npm) reads HDF5 files that h5py 3.7.0 with HDF5 1.10.8 (Debian 12; run where the dependencies of python3-h5py are
# installed) wrote: numbers in BF16, as the format describes any layout of sign, exponent and mantissa and the library converts it.
#
# Expected: 1, 3.14062, -0.01001, 65536 and 9.97e37, as h5py reads them again, or an error that such a type is not known, as jsfive has for
# compound types and filters.
# Seen: 1.875, 2.142578125, -1.03, 7.5 and NaN: every float of two bytes is read as FP16, wherever the file says that its exponent is.
# A float of FP8, one byte, is an error.
# So weights, activations or router scores of any size come back as ordinary numbers about one. FP16 itself is right, so that a test with
# it passes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download python3-h5py=3.7.0-8 python3-h5py-serial=3.7.0-8 libhdf5-103-1=1.10.8+repack1-1 libhdf5-hl-100=1.10.8+repack1-1 >apt.log 2>&1 || {
    tail -n 3 apt.log >&2
    exit 2
}
for p in *.deb; do dpkg -x "$p" root; done
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts jsfive@0.4.2 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
export PYTHONPATH=$work/root/usr/lib/python3/dist-packages LD_LIBRARY_PATH=$work/root/usr/lib/$(uname -m)-linux-gnu/hdf5/serial:$work/root/usr/lib/$(uname -m)-linux-gnu
cat >write.py <<'PY'
import h5py, numpy
from h5py import h5d, h5f, h5s, h5t
def layout(size, exponent, mantissa, bias):
    kind = h5t.IEEE_F32LE.copy()
    kind.set_fields(exponent + mantissa, mantissa, exponent, 0, mantissa)
    kind.set_size(size)
    kind.set_ebias(bias)
    return kind
numbers = numpy.array([1, 3.1415927, -0.01, 65536, 1e38], 'f4')
print('h5py', h5py.__version__, 'HDF5', h5py.version.hdf5_version)
file = h5f.create(b'numbers.h5')
for name, kind in ('BF16', layout(2, 8, 7, 127)), ('FP16', h5t.IEEE_F16LE), ('FP8', layout(1, 5, 2, 15)):
    data = h5d.create(file, name.encode(), kind, h5s.create_simple(numbers.shape))
    data.write(h5s.ALL, h5s.ALL, numbers)
    back = numpy.empty_like(numbers)
    data.read(h5s.ALL, h5s.ALL, back)
    print('h5py:', name, *(f'{x:.6g}' for x in back))
PY
cat >read.js <<'JS'
const { File } = require('jsfive'), bytes = new Uint8Array(require('fs').readFileSync('numbers.h5')).buffer;
console.log('jsfive', JSON.parse(require('fs').readFileSync('node_modules/jsfive/package.json')).version);
const numbers = new File(bytes, 'numbers.h5');
for (const name of ['BF16', 'FP16', 'FP8']) {
    try {
        console.log('jsfive:', name, numbers.get(name).value.map(x => +x.toPrecision(6)).join(' '));
    } catch (error) {
        console.log('jsfive:', name, 'an error');
    }
}
JS
{
    /usr/bin/python3 write.py
    node read.js
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
h5py 3.7.0 HDF5 1.10.8
h5py: BF16 1 3.14062 -0.0100098 65536 9.96921e+37
h5py: FP16 1 3.14062 -0.0100021 inf inf
h5py: FP8 1 3 -0.00976562 inf inf
jsfive 0.4.2
jsfive: BF16 1.875 2.14258 -1.03516 7.5 NaN
jsfive: FP16 1 3.14063 -0.0100021 Infinity Infinity
jsfive: FP8 an error
EXPECTED
