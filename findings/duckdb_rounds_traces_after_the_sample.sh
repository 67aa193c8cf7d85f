#!/bin/bash
# DuckDB 1.5.6 (npm @duckdb/node-api 1.5.6-r.1), read_json and read_csv with their defaults, on kernels with ts and dur in us: whole
# numbers in the first 20480 rows (a warm-up with a coarse clock, round start-up phases), 0.75 us each in the 40000 after them.
#
# Expected: the sum of dur, 50480 us, or an error that a row does not fit the types found in the sample.
# Seen: 60480 us, exit status 0. Both take BIGINT from the sample and round every later value to a whole number: 0.75 to 1, 0.4 to
# 0. One fraction within the first 20480 rows, sample_size=-1 or given types make it right. Text after the sample is an error.
# So the total of a profile of short kernels is off by a fifth, each kernel of less than half a microsecond is free, and whether that
# happens depends on a value far away in the file.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @duckdb/node-api@1.5.6-r.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >kernels.mjs <<'JS'
import fs from 'fs';
import { DuckDBInstance } from '@duckdb/node-api';
const database = await (await DuckDBInstance.create(':memory:')).connect();
const rows = async sql => (await database.runAndReadAll(sql)).getRowsJson();
console.log('DuckDB', ...(await rows('select version()'))[0]);
function write(before, after) {
    const events = Array.from({ length: 60480 }, (_, i) => ({ ph: 'X', name: 'kernel', ts: 1000 + 10 * i, dur: i < 20480 ? before(i) : after }));
    fs.writeFileSync('trace.json', JSON.stringify(events));
    fs.writeFileSync('trace.csv', ['ts,dur', ...events.map(event => `${event.ts},${event.dur}`)].join('\n'));
    return events.reduce((sum, event) => sum + event.dur, 0);
}
async function total(what, before, after) {
    console.log(`${what}: in truth ${write(before, after).toFixed(3)} us`);
    for (const read of ["read_json('trace.json')", "read_csv('trace.csv')", "read_csv('trace.csv', sample_size=-1)"]) {
        const [[sum, type]] = await rows(`select round(sum(dur), 3), any_value(typeof(dur)) from ${read}`);
        console.log(`  ${read}: ${sum} us, ${type}`);
    }
}
await total('0.75 us each', () => 1, 0.75);
await total('0.4 us each', () => 1, 0.4);
await total('0.75 us each, and one of 1.5 us early on', i => (i === 7 ? 1.5 : 1), 0.75);
for (const read of ['read_json', 'read_csv']) {
    write(() => 1, 'short');
    const file = `trace.${read.slice(5)}`;
    console.log(`text, ${read}:`, await rows(`select sum(dur) from ${read}('${file}')`).then(() => 'read', () => 'an error'));
}
JS
nice node kernels.mjs >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
DuckDB v1.5.6
0.75 us each: in truth 50480.000 us
  read_json('trace.json'): 60480 us, BIGINT
  read_csv('trace.csv'): 60480 us, BIGINT
  read_csv('trace.csv', sample_size=-1): 50480 us, DOUBLE
0.4 us each: in truth 36480.000 us
  read_json('trace.json'): 20480 us, BIGINT
  read_csv('trace.csv'): 20480 us, BIGINT
  read_csv('trace.csv', sample_size=-1): 36480 us, DOUBLE
0.75 us each, and one of 1.5 us early on: in truth 50480.500 us
  read_json('trace.json'): 50480.5 us, DOUBLE
  read_csv('trace.csv'): 50480.5 us, DOUBLE
  read_csv('trace.csv', sample_size=-1): 50480.5 us, DOUBLE
text, read_json: an error
text, read_csv: an error
EXPECTED
