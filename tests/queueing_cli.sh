#!/bin/bash
# Kind queueing and network model packet as a user meets them: what the shipped scenarios show, the same bytes
# again, refusals with their places. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios
holds() { # FILE TITLE EXPRESSION over t(variant, column) and q(variant, column) of a loss rate, and m(metric)
    check "$2" python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
def cell(table, variant, column, loss):
    names = [c["name"] for c in table["columns"]]
    for row in table["rows"]:
        r = row if isinstance(row, dict) else dict(zip(names, row))
        if r["variant"] == variant and (loss is None or abs((r["loss"] or 0) - loss) < 1e-12):
            return r[column]
    raise KeyError(variant)
t = lambda variant, column, loss=None: cell(d["tables"][0], variant, column, loss)
q = lambda variant, column, loss=None: cell(d["tables"][1], variant, column, loss)
m = lambda name: d["metrics"][name]["value"]
assert eval(sys.argv[2]), sys.argv[2]' "$1" "$3"
}

# --- incast and its victim ---------------------------------------------------------------------
expect 0 "incast" run "$S/incast_packet.yaml" -o i.json
silent_on_stderr
says "acknowledgements, pauses, credits and notifications take time but no bandwidth"
holds i.json "pauses and credits stop the victim with the incast" \
    'min(t("pfc", "slower"), t("credits", "slower")) > 8'
holds i.json "queues per port do not help beyond one switch" 't("pfc+voq_port", "slower") > 8'
holds i.json "pauses per queue pair let it pass" 't("pfc+voq_qp+qp_pause", "slower") < 1.5'
holds i.json "and so does control by round trips" 't("pfc+rtt", "slower") < 2 and t("pfc+rtt", "of_fluid") < 1.05'
holds i.json "lossless networks drop nothing" \
    'all(q(v, "dropped") == 0 for v in ("pfc", "credits", "pfc+voq_qp+qp_pause", "pfc+dcqcn", "pfc+rtt"))'
holds i.json "the others do" 'q("lossy", "dropped") > 0 and q("lossy", "resent") > 0'
holds i.json "the incast itself takes the fluid time" 'abs(t("pfc", "of_fluid") - 1) < 0.03'
holds i.json "probes wait behind pauses" 't("pfc", "probe_p50") > 3 * t("fluid", "probe_p50")'
holds i.json "a metric per variant" 'm("pfc_victim_slower") == t("pfc", "slower")'
expect 0 "once more" run "$S/incast_packet.yaml" -o again.json
check "the same bytes" cmp i.json again.json
expect 0 "a class of its own" run "$S/incast_packet.yaml" -s queueing.class=1 -s queueing.variants=pfc -o c.json
holds c.json "saves the victim, too" 't("pfc", "slower") < 1.3'

# --- circles -----------------------------------------------------------------------------------------
cat >lossless.yaml <<'END'
kind: queueing
hardware: h800
cluster: {nodes: 20, node: {gpus: 1}, nic: {per_node: 1}}
queueing: {traffic: all_to_all, size: 256 KiB, variants: 'credits, pfc'}
sim: {network: packet}
END
lossless() { # TITLE OPTIONS
    local title=$1
    shift
    for policy in static spray adaptive valiant; do
        expect 0 "$title under $policy" run lossless.yaml -s cluster.network.routing.policy=$policy \
            -s cluster.packet.placement=out_of_order -s cluster.packet.retransmission=selective "$@"
    done
}
lossless "no deadlock on slim_fly" -s cluster.topology=slim_fly -s cluster.nodes=50 -s cluster.network.slim_fly_q=5 \
    -s cluster.network.switch_ports=12
lossless "no deadlock on dragonfly" -s cluster.topology=dragonfly -s cluster.network.dragonfly_groups=5 \
    -s cluster.network.switch_ports=8
lossless "no deadlock on torus" -s cluster.topology=torus -s cluster.nodes=25 -s cluster.network.torus=5x5
lossless "no deadlock on full_mesh" -s cluster.topology=full_mesh -s cluster.nodes=27 -s cluster.network.mesh=3x3x3
cat >ring.yaml <<'END'
switches: [a, b, c, d, e]
cables: [{from: a, to: b}, {from: b, to: c}, {from: c, to: d}, {from: d, to: e}, {from: e, to: a}]
endpoints: [{switch: a, gpus: 4}, {switch: b, gpus: 4}, {switch: c, gpus: 4}, {switch: d, gpus: 4}, {switch: e, gpus: 4}]
END
ring="-s cluster.topology=file -s cluster.network.file=ring.yaml"
expect 3 "a ring of a user's own" run lossless.yaml $ring
tells "error: lossless packets deadlock on these routes: messages wait in a circle of 5 links"
tells "(a to b, b to c, c to d, d to e, e to a)"
check "one message" [ "$(grep -c error err)" = 1 ]
expect 0 "loses packets, but no time for ever" run lossless.yaml $ring -s queueing.variants=lossy
sed -i 's/, {from: e, to: a}//' ring.yaml
expect 0 "a chain is no circle" run lossless.yaml $ring

# --- loss -------------------------------------------------------------------------------------------
expect 0 "retransmission" run "$S/retransmission.yaml" -s queueing.size='64 MiB' -o r.json
holds r.json "without loss all are alike" \
    'abs(t("go_back_n", "time", 0) / t("selective+out_of_order", "time", 0) - 1) < 1e-9'
holds r.json "go-back-N resends the round trip" \
    'q("go_back_n", "resent", 1e-3) > 10 * q("selective+out_of_order", "resent", 1e-3)'
holds r.json "links that retry leave nothing to NICs" 'q("go_back_n+llr", "resent", 1e-2) == 0 and q("go_back_n+llr", "replays", 1e-2) > 0'
holds r.json "goodput in that order" \
    't("go_back_n", "goodput", 1e-2) < t("selective+out_of_order", "goodput", 1e-2) < t("go_back_n+llr", "goodput", 1e-2)'
expect 0 "a flap" run "$S/retransmission.yaml" -s queueing.size='64 MiB' -s queueing.loss_rates=0 \
    -s cluster.faults.down='nic 0' -s cluster.faults.at='500 us' -s cluster.faults.lasts='100 us' -o f.json
holds f.json "costs what was on the wire, unless the link retries" \
    'q("go_back_n", "lost") > 0 and q("go_back_n+llr", "lost") == 0'
holds f.json "the fluid waits, too" 't("fluid", "time") > 100e-6 + 64 * 1048576 / 48.5e9'

# --- order ---------------------------------------------------------------------------------------------
expect 0 "spraying" run "$S/spraying.yaml" -s queueing.messages=20 -o s.json
holds s.json "needs out-of-order placement" 't("spray+in_order", "time") > 1.5 * t("spray+out_of_order", "time")'
holds s.json "or a reorder buffer" 't("spray+hold", "time") == t("spray+out_of_order", "time")'
holds s.json "it reorders" 'q("spray+out_of_order", "reordered") > 0.01 and q("static", "reordered") == 0'

# --- other traffic ---------------------------------------------------------------------------------------
expect 0 "all to all" run "$S/spraying.yaml" -s queueing.traffic=all_to_all -s queueing.size='16 KiB' -s queueing.variants= -o a.json
holds a.json "as given" 't("as given", "of_fluid") < 1.2'
expect 0 "a permutation, every word" run "$S/spraying.yaml" -s queueing.traffic=permutation \
    -s queueing.variants='voq_qp+qp_pause+round_robin+lossy+rtt+hold+selective+llr+adaptive, class_pause+no_control+no_llr+strict_priority+shared_output'
expect 0 "any other kind runs over packets" run "$S/fig5_alltoall_mpft_mrft.yaml" -s collective.gpus=32 \
    -s collective.from='4 MiB' -s collective.to='4 MiB' -s sim.network=packet -s sim.checked=true
says "network model: packet"

# --- refusals ----------------------------------------------------------------------------------------------
expect 3 "an unknown word" run "$S/incast_packet.yaml" -s queueing.variants='pfc+dcqnc'
tells "did you mean 'dcqcn'?"
expect 3 "a variant twice" run "$S/incast_packet.yaml" -s queueing.variants='pfc, credits, pfc'
tells "variant 'pfc' is there twice"
expect 3 "words that exclude each other" run "$S/incast_packet.yaml" -s queueing.variants='pfc+credits'
tells "'pfc' and 'credits' exclude each other"
expect 3 "pauses of queue pairs without their queues" run "$S/incast_packet.yaml" -s queueing.variants='pfc+qp_pause'
tells "set queueing to voq_qp"
sed 's/variants: .*/variants: pfc+selective/; /^    pfc+dcqcn, pfc+rtt/d; /ecn_m/d' "$S/incast_packet.yaml" >bad.yaml
expect 3 "selective retransmission into a receiver that discards" run bad.yaml
tells "bad.yaml:32:"
tells "set placement to hold or out_of_order"
expect 3 "no share" run "$S/retransmission.yaml" -s queueing.loss_rates='0, 2'
tells "2 is no share of lost packets"
expect 3 "no number" run "$S/retransmission.yaml" -s queueing.loss_rates='0, nan'
expect 3 "another network" run "$S/incast_packet.yaml" -s sim.network=flow
tells "only network 'packet' has queues, not 'flow'"
expect 3 "too many senders" run "$S/incast_packet.yaml" -s queueing.senders=63
tells "63 senders need 63 nodes"
expect 3 "a victim beyond the cluster" run "$S/incast_packet.yaml" -s queueing.victim_to=64
tells "choose one of 1 to 63"
expect 3 "a victim of another traffic" run "$S/incast_packet.yaml" -s queueing.traffic=all_to_all
tells "only traffic incast has a victim"
expect 3 "too many messages" run "$S/spraying.yaml" -s queueing.messages=1000000
tells "too many to follow packet by packet"
expect 3 "xon above xoff" run "$S/incast_packet.yaml" -s cluster.packet.xon='600 KB'
tells "set xon below xoff"
expect 3 "more thresholds than buffer" run "$S/incast_packet.yaml" -s cluster.packet.buffer='500 KB'
tells "are more than the port's buffer"
expect 3 "credits for less than a packet" run "$S/retransmission.yaml" -s cluster.packet.credits='4 KB'
tells "no room for a whole packet"
expect 0 "little headroom" validate "$S/incast_packet.yaml" -s cluster.packet.headroom='20 KB'
tells "packets may be dropped"
expect 3 "a key of another network" run "$S/incast_packet.yaml" -s cluster.network.routing.policy=ugal
tells "cannot weigh detours by load (ugal)"
finish
