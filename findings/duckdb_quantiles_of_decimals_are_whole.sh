#!/bin/bash
# DuckDB 1.5.6 (npm @duckdb/node-api 1.5.6-r.1): median and 99th percentile of times, as DOUBLE and as DECIMAL, which is what SQL makes
# of "dur * 0.001" if dur is a whole number, and what decimal columns of Parquet files are.
#
# Expected: approx_quantile is within a percent of quantile_cont whatever the type, as it is for DOUBLE.
# Seen: of DECIMAL it is a whole number, rounded, in an integer type: kernels from 0.1 to 0.5 us have a median of 0 and a 99th
# percentile of 0 us, requests from 0.5 to 1.5 s one of 1 s. quantile_cont, avg and max of the same column keep their digits.
# So an SLO of 1.2 s is met or the share of a kernel is nothing, by the unit that a column was scaled to. Add "::double".
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @duckdb/node-api@1.5.6-r.1 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >quantiles.mjs <<'JS'
import { DuckDBInstance } from '@duckdb/node-api';
const database = await (await DuckDBInstance.create(':memory:')).connect();
const rows = async sql => (await database.runAndReadAll(sql)).getRowsJson();
console.log('DuckDB', ...(await rows('select version()'))[0]);
for (const [what, column] of [['kernels in us, dur_ns * 0.001', '(100 + i * 400 / 9999)::bigint * 0.001'],
    ['requests in s, decimal(9,6)', '(0.5 + i / 9999)::decimal(9,6)'], ['requests in s, double', '0.5 + i / 9999']])
    for (const quantile of [0.5, 0.99]) {
        const sql = `select typeof(any_value(t)), round(quantile_cont(t, ${quantile})::double, 2), round(a::double, 2), typeof(a)
            from (select t, approx_quantile(t, ${quantile}) over () a from (select ${column} t from range(10000) r(i))) group by a`;
        const [[type, exact, approximate, kind]] = await rows(sql);
        console.log(`${what} (${type}), ${quantile}: quantile_cont ${exact}, approx_quantile ${approximate} (${kind})`);
    }
JS
nice node quantiles.mjs >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
DuckDB v1.5.6
kernels in us, dur_ns * 0.001 (DECIMAL(23,3)), 0.5: quantile_cont 0.3, approx_quantile 0 (HUGEINT)
kernels in us, dur_ns * 0.001 (DECIMAL(23,3)), 0.99: quantile_cont 0.5, approx_quantile 0 (HUGEINT)
requests in s, decimal(9,6) (DECIMAL(9,6)), 0.5: quantile_cont 1, approx_quantile 1 (INTEGER)
requests in s, decimal(9,6) (DECIMAL(9,6)), 0.99: quantile_cont 1.49, approx_quantile 1 (INTEGER)
requests in s, double (DOUBLE), 0.5: quantile_cont 1, approx_quantile 1 (DOUBLE)
requests in s, double (DOUBLE), 0.99: quantile_cont 1.49, approx_quantile 1.49 (DOUBLE)
EXPECTED
