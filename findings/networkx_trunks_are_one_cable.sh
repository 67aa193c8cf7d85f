#!/bin/bash
# networkx 2.8.8 (Debian 12), MultiGraph: switches as nodes, each cable as an edge of its own.
#
# Expected: functions that do not refuse a MultiGraph, as maximum_flow and stoer_wagner do, count its parallel edges. Two switches
# with four cables stay connected until the fourth is cut. And of the traffic from a to d, by b over trunks of three cables or
# by c over single ones, every cable at a gets the same part, as with ECMP over a's four ports.
# Seen: edge_connectivity(G) says 4, from the degrees, and edge_connectivity(G, a, b) says 1; edge_disjoint_paths finds one path,
# and with a ring of four switches with double cables both say 2 where it takes 4. edge_betweenness_centrality halves a's
# traffic between b and c, so that c's cable carries three times what each of b's does.
# So a fabric's faults to survive come out as those of its switches' graph, and the cables of trunks as the idle ones.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download python3-networkx=2.8.8-1 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
dpkg -x python3-networkx_*.deb root
cat >trunks.py <<'PY'
import networkx as nx
print('networkx', nx.__version__)
def cut(name, graph, a, b):
    print(f'{name}: connectivity {nx.edge_connectivity(graph)}, of a and b {nx.edge_connectivity(graph, a, b)},',
          f'disjoint paths {len(list(nx.edge_disjoint_paths(graph, a, b)))}')
cut('two switches, four cables', nx.MultiGraph(['ab'] * 4), 'a', 'b')
cut('ring of four, double cables', nx.MultiGraph(['ac', 'cb', 'bd', 'da'] * 2), 'a', 'b')
diamond = nx.MultiGraph(['ab', 'bd'] * 3 + ['ac', 'cd'])
load = nx.edge_betweenness_centrality_subset(diamond, ['a'], ['d'], normalized=False)
cables = [edge for edge in diamond.edges(keys=True) if edge[0] == 'a']
total = sum(load[edge] for edge in cables)
print('a to d, part of each cable:', ', '.join(f'{a}{b} {load[a, b, k] / total:.3f}' for a, b, k in cables))
PY
PYTHONPATH=root/usr/lib/python3/dist-packages /usr/bin/python3 trunks.py >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
networkx 2.8.8
two switches, four cables: connectivity 4, of a and b 1, disjoint paths 1
ring of four, double cables: connectivity 2, of a and b 2, disjoint paths 2
a to d, part of each cable: ab 0.167, ab 0.167, ab 0.167, ac 0.500
EXPECTED
