#!/bin/bash
# speedscope 1.25.0 (its page's own importer, run in node 20) opens trace.json.gz that consists of several gzip members, as
# bgzip and parallel writers make them, or `cat` of two files: RFC 1952 calls that one valid file, and zcat, Python and Node read
# all of it.
#
# Expected: the whole trace, or an error.
# Seen: only the first member. What it holds is JSON cut off somewhere, but an array of events without its end is allowed in this
# format, so a member that ends between two events opens as a shorter trace: 1 of 3 kernels, 10 us of 30, without a word.
# A profile that was compressed in parallel or appended to step by step is then judged by its beginning.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts speedscope@1.25.0 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >kernels.js <<'JS'
// Runs the page's bundle up to where it draws, with a document that answers everything with itself, and keeps its importer.
const fs = require('fs'), vm = require('vm'), dist = 'node_modules/speedscope/dist/release/';
const bundle = fs.readFileSync(dist + fs.readdirSync(dist).find(f => /^speedscope-.*\.js$/.test(f)), 'utf8');
const importer = bundle.match(/(\w+)=\{\};\$l\(\1,\{[^}]*importProfilesFromArrayBuffer/)[1];
const start = bundle.match(new RegExp(`\\((\\w+)\\(\\),${importer}\\)`))[1];
const page = new Proxy(function () {}, { get: (o, k) => (k === Symbol.toPrimitive ? () => '' : page), apply: () => page });
Object.assign(globalThis, { window: globalThis, document: page, localStorage: page, location: { hash: '' }, matchMedia: page,
    requestAnimationFrame: page, addEventListener: page });
const draws = bundle.lastIndexOf('console.log(`speedscope v');
vm.runInThisContext(`${bundle.slice(0, draws)};${start}();globalThis.speedscope=${importer};return;${bundle.slice(draws)}`);
const print = console.log;
console.log = () => {};
const zlib = require('zlib');
const kernel = (name, ts) => `{"ph": "X", "cat": "kernel", "name": "${name}", "pid": 0, "tid": 7, "ts": ${ts}, "dur": 10}`;
const parts = [`[\n${kernel('a', 0)},\n`, `${kernel('b', 20)},\n${kernel('c', 40)}\n]\n`];
async function seen(what, gzipped) {
    const bytes = Uint8Array.from(gzipped);
    const { profiles: [stream] } = await speedscope.importProfilesFromArrayBuffer('trace.json.gz', bytes.buffer);
    const names = [];
    stream.forEachFrame(f => names.push(f.name));
    print(`${what}: zlib reads ${JSON.parse(zlib.gunzipSync(gzipped)).length} events, speedscope ${names.join(' ')},`,
        `busy ${stream.getTotalNonIdleWeight()} us`);
}
(async () => {
    print('speedscope', require('speedscope/package.json').version);
    await seen('one member', zlib.gzipSync(parts.join('')));
    await seen('two members', Buffer.concat(parts.map(p => zlib.gzipSync(p))));
})();
JS
node kernels.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
speedscope 1.25.0
one member: zlib reads 3 events, speedscope a b c, busy 30 us
two members: zlib reads 3 events, speedscope a, busy 10 us
EXPECTED
