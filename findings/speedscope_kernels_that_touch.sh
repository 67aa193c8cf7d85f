#!/bin/bash
# speedscope 1.25.0 (its page's own importer, run in node 20) reads a trace in Trace Event Format: complete events (ph X) of one
# GPU stream, microseconds with three decimals as Kineto writes them.
#
# Expected: 1000 kernels one after the other, with 5 us of nothing after every tenth: busy for the sum of their durations, each
# name with its own total; a zero-long event where a kernel ends (a memset, an event record) adds nothing.
# Seen: ts + dur of a kernel in doubles is often above the ts of the next (0.1 + 0.2 > 0.3). Then the page takes the next for a
# child, finds that the parent ends first, and leaves the parent open until the end of the trace: all 490 us of gaps are gone,
# the stream is busy for all of its 5998.831 us, and each of four names has a total of nearly the whole trace. A zero-long event
# at the end of a kernel does the same: b of 5 us has no time of its own, and the 13 us of gaps after it are z's.
# The only words about it go to the browser's console. So no utilisation or time per kernel can be read off that page for a busy
# stream.
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
async function seen(what, kernels) {
    let warnings = 0;
    console.warn = () => { warnings++; };
    const traceEvents = kernels.map(([name, ts, dur]) => ({ ph: 'X', cat: 'kernel', name, pid: 0, tid: 7, ts, dur }));
    const { profiles: [stream] } = await speedscope.importProfileGroupFromText('t.json', JSON.stringify({ traceEvents }));
    const totals = [];
    stream.forEachFrame(f => totals.push(`${f.name} ${f.getSelfWeight().toFixed(3)} of ${f.getTotalWeight().toFixed(3)}`));
    print(`${what}: busy ${stream.getTotalNonIdleWeight().toFixed(3)}, own of total: ${totals.join(', ')}; ${warnings} on the console`);
}
(async () => {
    print('speedscope', require('speedscope/package.json').version);
    let random = 1, now_ns = 0, busy_ns = 0;
    const kernels = [];
    for (let i = 0; i < 1000; i++) {
        random = random * 48271 % 2147483647;
        const dur_ns = 1000 + Math.floor(random / 2147483647 * 9000);
        kernels.push(['k' + i % 4, now_ns / 1000, dur_ns / 1000]);
        busy_ns += dur_ns;
        now_ns += dur_ns + (i % 10 === 9 ? 5000 : 0);
    }
    await seen(`kernels of ${busy_ns / 1000} us`, kernels);
    await seen('kernels of 19 us', [['a', 0, 10], ['z', 10, 0], ['b', 10, 5], ['c', 20, 2], ['d', 30, 2]]);
})();
JS
node kernels.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
speedscope 1.25.0
kernels of 5508.831 us: busy 5998.831, own of total: k0 1504.395 of 5859.100, k1 1478.094 of 5898.286, k2 1494.683 of 5728.880, k3 1521.659 of 5958.740; 238 on the console
kernels of 19 us: busy 32.000, own of total: a 10.000 of 10.000, b 0.000 of 22.000, z 18.000 of 22.000, c 2.000 of 2.000, d 2.000 of 2.000; 4 on the console
EXPECTED
