#!/bin/bash
# k-shortest-path 0.0.5 (npm, "Yen's algorithm") with graphlib 2.1.8: routes through a leaf-spine fabric of four leaves and four
# spines, each cable of weight 1, and through random directed graphs of six nodes.
#
# Expected: the k shortest paths without loops, in order, as Yen's algorithm gives them: from a leaf to another the four over one
# spine each, then those of four hops; for the random graphs what trying all paths gives.
# Seen: two of the four, and then paths of four hops although shorter ones are left. Of 189 random graphs 49 lack a shorter path
# than one that is given, and 64 get fewer than the five asked for and there.
# So multipath routing by it halves the bisection bandwidth of a fat tree and makes every other flow take a detour, with costs that
# are right for the paths it did find.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts k-shortest-path@0.0.5 graphlib@2.1.8 >npm.log 2>&1 || { tail -n 5 npm.log >&2; exit 2; }
cat >routes.js <<'JS'
const { ksp } = require('k-shortest-path'), { Graph } = require('graphlib');
console.log('k-shortest-path', require('k-shortest-path/package.json').version);
const fabric = new Graph();
for (let leaf = 0; leaf < 4; leaf++) for (let spine = 0; spine < 4; spine++) {
    fabric.setEdge(`leaf${leaf}`, `spine${spine}`, 1);
    fabric.setEdge(`spine${spine}`, `leaf${leaf}`, 1);
}
for (const { totalCost, edges } of ksp(fabric, 'leaf0', 'leaf3', 4))
    console.log(`${totalCost} hops:`, edges.map(edge => edge.fromNode).join(' '), 'leaf3');
function every(graph, from, to, passed = [from], cost = 0) {
    if (from === to) return [cost];
    return graph.outEdges(from).filter(edge => !passed.includes(edge.w)).flatMap(edge =>
        every(graph, edge.w, to, [...passed, edge.w], cost + graph.edge(edge)));
}
let seed = 1;
const uniform = () => (seed = seed * 48271 % 2147483647) / 2147483647;
const count = { graphs: 0, 'with a longer path in place of a shorter': 0, 'with fewer than there are': 0 };
for (let i = 0; i < 200; i++) {
    const graph = new Graph();
    for (let a = 0; a < 6; a++) for (let b = 0; b < 6; b++)
        if (a !== b && uniform() < 0.5) graph.setEdge(`${a}`, `${b}`, 1 + Math.floor(uniform() * 5));
    if (!graph.hasNode('0') || !graph.hasNode('5')) continue;
    const right = every(graph, '0', '5').sort((a, b) => a - b).slice(0, 5);
    if (right.length === 0) continue;
    const seen = ksp(graph, '0', '5', 5).map(path => path.totalCost);
    count.graphs++;
    if (seen.some((cost, k) => cost !== right[k])) count['with a longer path in place of a shorter']++;
    if (seen.length < right.length) count['with fewer than there are']++;
}
console.log(Object.entries(count).map(([what, n]) => `${n} ${what}`).join(', '));
JS
node routes.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
k-shortest-path 0.0.5
2 hops: leaf0 spine3 leaf3
2 hops: leaf0 spine2 leaf3
4 hops: leaf0 spine3 leaf2 spine2 leaf3
4 hops: leaf0 spine2 leaf2 spine0 leaf3
189 graphs, 49 with a longer path in place of a shorter, 64 with fewer than there are
EXPECTED
