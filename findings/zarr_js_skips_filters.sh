#!/bin/bash
# zarr.js 0.6.3 (npm zarr) reads arrays of Zarr version 2 whose metadata name a filter of numcodecs; beside it zarrita 0.7.5.
#
# Expected: the filters are undone after decompression, as the specification says (zarrita does), or an error: another compressor that
# zarr.js does not have is one.
# Seen: "filters" is not looked at. Of time stamps stored with Delta, each but the first comes back as the step to it: 1000, 10, 10,
# 10 instead of 1000, 1010, 1020, 1030; of rates as FixedScaleOffset in the type of the array, 400e9 as 400.
# So a trace or a sweep that some program wrote compactly has the right shape and type and plausible numbers, and every one of them
# is wrong.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts zarr@0.6.3 zarrita@0.7.5 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >arrays.mjs <<'JS'
import fs from 'fs';
import * as zarr from 'zarr';
import * as zarrita from 'zarrita';
for (const name of ['zarr', 'zarrita']) console.log(name, JSON.parse(fs.readFileSync(`node_modules/${name}/package.json`)).version);
async function both(what, dtype, stored, filters) {
    const metadata = { zarr_format: 2, shape: [stored.length], chunks: [stored.length], dtype, order: 'C', fill_value: 0, compressor: null, filters };
    const files = { '.zarray': new TextEncoder().encode(JSON.stringify(metadata)), 0: new Uint8Array(stored.buffer) };
    const store = {
        getItem: async key => files[key.replace(/^\//, '')]?.slice().buffer, containsItem: async key => key.replace(/^\//, '') in files,
        get: async key => files[key.slice(1)],
    };
    const old = await (await zarr.openArray({ store, mode: 'r' })).getRaw(null);
    const now = await zarrita.get(await zarrita.open.v2(zarrita.root(store), { kind: 'array' }));
    console.log(`${what}: zarr.js ${Array.from(old.data)}; zarrita ${Array.from(now.data)}`);
}
await both('no filter', '<i4', Int32Array.of(1000, 1010, 1020, 1030), null);
await both('Delta', '<i4', Int32Array.of(1000, 10, 10, 10), [{ id: 'delta', dtype: '<i4' }]);
const scale = { id: 'fixedscaleoffset', offset: 0, scale: 1e-9, dtype: '<f8', astype: '<f8' };
await both('FixedScaleOffset', '<f8', Float64Array.of(400, 200), [scale]);
JS
node arrays.mjs >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
zarr 0.6.3
zarrita 0.7.5
no filter: zarr.js 1000,1010,1020,1030; zarrita 1000,1010,1020,1030
Delta: zarr.js 1000,10,10,10; zarrita 1000,1010,1020,1030
FixedScaleOffset: zarr.js 400,200; zarrita 400000000000,200000000000
EXPECTED
