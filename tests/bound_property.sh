#!/bin/bash
# Network `bound` is never later than `flow`: a quarter of the drawn scenarios of bound_property.py; all 500 with
# MOESIM_THOROUGH=1 (two minutes). TAP.
. "$srcdir/tests/cli.sh" || exit 1
factor=0.25
[ -n "${MOESIM_THOROUGH:-}" ] && factor=1
if ! command -v python3 >/dev/null; then
    skip "bound is not later than flow" "needs python3"
    finish
fi
check "bound is not later than flow" python3 "$srcdir/tests/bound_property.py" "$MOESIM" "$srcdir" $factor
sed -i 's/.*/# &/' out
case=$srcdir/tests/data/decode_oversubscribed.yaml
for o in 1 3 8; do
    expect 0 "decoding over a tree at $o:1" run "$case" -s cluster.network.oversubscription=$o -o "$o.json"
done
check "the bound sees the tree" python3 - <<'EOF'
import json
def tpot(name):
    metrics = json.load(open(name))["metrics"]
    return metrics["tpot"]["value"]
one, three, eight = (tpot(f"{o}.json") for o in (1, 3, 8))
assert one < three < eight and eight > 1.1 * one, (one, three, eight)
assert eight < 0.0859, eight
EOF
# 58 layers, a dispatch and a combine in each, a NIC at both ends: 232 ms on the way, which nothing of one micro-batch hides
expect 0 "decoding over NICs of a millisecond" run "$case" -s cluster.nic.latency='1 ms' -o far.json
check "the bound sees how long tokens are on their way" \
    python3 -c 'import json; assert json.load(open("far.json"))["metrics"]["tpot"]["value"] > 0.232'
expect 0 "what lies between two events" run "$srcdir/scenarios/train_replay_h800.yaml" -s sim.network=bound
says "times between two events have none and are left out"
check "what lies between two events is left out" [ "$(grep -c '^exposed_comm' out)" = 0 ]
finish
