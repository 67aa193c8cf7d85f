#!/bin/bash
# @dsnp/parquetjs 1.8.8 (npm) reads a table that DuckDB 1.5.6 (npm @duckdb/node-api 1.5.6-r.1) wrote: counters of bytes and 64-bit
# hashes (of prefixes, of requests) in unsigned columns, as Parquet's own types UINT_32 and UINT_64; beside it hyparquet 1.31.5.
#
# Expected: the numbers that were written: the schema that parquetjs reads says UINT_32 and UINT_64, types of its own list.
# Seen: those from 2^31 and 2^63 on are negative: 4000000000 B are -294967296. Small ones are right, and so is all of hyparquet.
# So of flows between nodes the large ones lower a sum instead of raising it, and minima, filters above a threshold and joins on
# hashes with data from another reader go wrong without an error, for half of all hashes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @dsnp/parquetjs@1.8.8 hyparquet@1.31.5 @duckdb/node-api@1.5.6-r.1 >npm.log 2>&1 || {
    tail -n 5 npm.log >&2
    exit 2
}
cat >flows.mjs <<'JS'
import fs from 'fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetReadObjects } from 'hyparquet';
import parquetjs from '@dsnp/parquetjs';
for (const name of ['@dsnp/parquetjs', 'hyparquet']) console.log(name, JSON.parse(fs.readFileSync(`node_modules/${name}/package.json`)).version);
const database = await (await DuckDBInstance.create(':memory:')).connect();
await database.run(`copy (select * from (values (1000000000::uinteger, 1::ubigint), (4000000000, 9223372036854775809)) t(bytes, hash))
    to 'flows.parquet'`);
const rows = async sql => (await database.runAndReadAll(sql)).getRowsJson();
console.log('DuckDB:', JSON.stringify(await rows("from 'flows.parquet'")));
console.log('hyparquet:', (await parquetReadObjects({ file: new Uint8Array(fs.readFileSync('flows.parquet')).buffer })).map(row => `${row.bytes} ${row.hash}`));
const reader = await parquetjs.ParquetReader.openFile('flows.parquet'), cursor = reader.getCursor();
const { bytes, hash } = reader.getSchema().fields;
console.log('parquetjs:', bytes.originalType, hash.originalType);
for (let row; (row = await cursor.next());) console.log('parquetjs:', `${row.bytes} ${row.hash}`);
JS
node flows.mjs >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
@dsnp/parquetjs v1.8.8
hyparquet 1.31.5
DuckDB: [[1000000000,"1"],[4000000000,"9223372036854775809"]]
hyparquet: [ '1000000000 1', '4000000000 9223372036854775809' ]
parquetjs: UINT_32 UINT_64
parquetjs: 1000000000 1
parquetjs: -294967296 -9223372036854775807
EXPECTED
