#!/bin/bash
# The scenarios that run collectives: what each must show, and what is refused. TAP.
. "$srcdir/tests/cli.sh" || exit 1
S=$srcdir/scenarios

metric() { awk -F, -v m="$1" '$1 == "metric" && $2 == m { print $4 }' out.csv; }
# cell TABLE ROW COLUMN
cell() { awk -F, -v t="$1" -v r="$2" -v c="$3" '$1 == t && $8 == r && $2 == c { print $4 $7 }' out.csv; }
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 < b + 0) }'; }
simulated() { # TITLE SCENARIO -s...
    local title=$1 file=$2
    shift 2
    rm -f out.csv
    expect 0 "$title" run "$file" -o out.csv "$@"
}

# --- Figure 5, at the largest size only ----------------------------------------------------------
simulated "fig5" "$S/fig5_alltoall_mpft_mrft.yaml" -s collective.from='16 GiB'
says "largest: bandwidth at the largest size"
check "fig5: the networks differ by less than 2 %" below "$(metric network_difference_largest)" 0.02
for row in 1 2 3 4 5 6; do
    check "fig5: row $row is above 95 % of N/(N-1) times a NIC" below 0.95 "$(cell largest $row of_limit)"
    check "fig5: row $row is below the limit" below "$(cell largest $row of_limit)" 1
done
simulated "fig5 without PXN" "$S/fig5_alltoall_mpft_mrft.yaml" -s collective.from='64 MiB' \
    -s collective.to='64 MiB' -s collective.gpus=32 -s collective.pxn=false
check "fig5 without PXN: the networks are not the same any more" below 0 "$(metric network_difference_largest)"

# --- Figure 6 ------------------------------------------------------------------------------------
simulated "fig6" "$S/fig6_latency_16gpu.yaml"
check "fig6: within 3 % of each other at every size" below "$(metric network_difference_any_size)" 0.03
check "fig6: latency is tens of microseconds" below "$(metric smallest_time)" 40e-6
check "fig6: latency is more than the wire's" below 10e-6 "$(metric smallest_time)"
expect 0 "what the GPU posts itself is explained as such" run "$S/fig6_latency_16gpu.yaml" --explain smallest_time \
    -s cluster.software.initiator=ibgda
says "cluster.software.ibgda_step"
expect 0 "fig6 explains its latency" run "$S/fig6_latency_16gpu.yaml" --explain smallest_time
says "cluster.software.launch"
says "tuning.cc"

# --- Figure 7 ------------------------------------------------------------------------------------
few='-s moe.low_latency.gpus=8,16,32'
simulated "fig7" "$S/fig7_deepep.yaml" $few -s moe.low_latency.dispatch_published='163 us, 173 us, 182 us' \
    -s moe.low_latency.combine_published='318 us, 329 us, 350 us'
check "fig7: every normal kernel is above 40 GB/s" below 40e9 "$(metric normal_bandwidth_min)"
check "fig7: no normal kernel beats the NIC" below "$(cell normal 1 bandwidth)" 50e9
check "fig7: EP16 is predicted" [ "$(cell normal 1 status)" = predicted ]
check "fig7: EP32 is calibrated, and says so" [ "$(cell normal 3 status)" = calibrated ]
check "fig7: the published value stands beside ours" [ "$(cell normal 1 published)" = 43000000000 ]
check "fig7: low latency EP16, EP32 predicted within 5 %" below "$(metric low_latency_prediction_error)" 0.05
check "fig7: low latency EP8 is calibrated" [ "$(cell low_latency 1 status)" = calibrated ]
simulated "fig7 without low latency" "$S/fig7_deepep.yaml" -s moe.low_latency.gpus= -s moe.normal.gpus=16 \
    -s moe.normal.dispatch_published= -s moe.normal.combine_published= \
    -s moe.low_latency.dispatch_published= -s moe.low_latency.combine_published=
check "fig7: without published rows nothing is compared" [ -z "$(metric normal_prediction_error)" ]

# --- section 4.3 ---------------------------------------------------------------------------------
simulated "dedup" "$S/dedup_node_limited.yaml"
check "dedup: the bound is M t exactly" below "$(metric bound_linearity_error)" 1e-12
check "dedup: the simulation is M t but for one latency" below "$(metric linearity_error)" 0.01
check "dedup: 8 nodes are as slow as no deduplication" \
    [ "$(cell nodes 8 ib_bytes)" = "$(cell nodes 9 ib_bytes)" ]
check "dedup: NVLink carries the same for any M" [ "$(cell nodes 1 nvlink_bytes)" = "$(cell nodes 8 nvlink_bytes)" ]
check "dedup: at M = 1 NVLink is the limit" below "$(cell nodes 1 ib_time)" "$(cell nodes 1 total_time)"
simulated "dedup on mrft" "$S/dedup_node_limited.yaml" -s cluster.topology=mrft
check "dedup on mrft: the same network bytes" [ "$(cell nodes 4 ib_bytes)" = 105971712 ]

# --- traffic classes -------------------------------------------------------------------------------
simulated "incast" "$S/incast_mixed.yaml"
check "incast: sharing slows the all-reduce" below 1.2 "$(metric second_slower_shared)"
check "incast: its own class protects it" below "$(metric second_slower_protected)" 1.001
check "incast: and then the all-to-all pays" below 1.1 "$(cell traffic 5 first_slower)"

# --- writers ---------------------------------------------------------------------------------------
simulated "a small run" "$S/fig6_latency_16gpu.yaml" -s collective.from='1 KiB' -s collective.to='2 KiB'
check "CSV: the header names the columns of tables" grep -qx "table,name,layer,value,unit,recorded,text,row" out.csv
check "CSV: every line has as many fields" awk -F, 'NF != 8 { exit 1 }' out.csv
expect 0 "the same as JSON" run "$S/fig6_latency_16gpu.yaml" --json -s collective.from='1 KiB' -s collective.to='2 KiB'
if python3 -c '' 2>/dev/null; then
    check "JSON: tables with units and rows" python3 -c '
import json
r = json.load(open("out"))
t = {t["name"]: t for t in r["tables"]}["sizes"]
assert r["kind"] == "collective" and len(t["rows"]) == 4
assert [c["unit"] for c in t["columns"]][:4] == ["text", "", "B", "s"] or t["columns"][2]["unit"] == "B"
assert t["rows"][0]["network"] == "mpft" and t["rows"][3]["size"] == 2048
assert t["rows"][0]["time"] > 0'
else
    skip "JSON: tables with units and rows" "no python3"
fi
cp out first
expect 0 "the same again" run "$S/fig6_latency_16gpu.yaml" --json -s collective.from='1 KiB' -s collective.to='2 KiB'
check "the same again: the same bytes" cmp out first
expect 0 "a timeline of the last simulation" run "$S/fig6_latency_16gpu.yaml" --timeline t.json
check "a timeline: written" grep -q all_to_all t.json
expect 0 "all-to-all of 16,384 GPUs, folded" run "$S/alltoall_16384gpu.yaml"
says "48.51 GB/s"
expect 3 "leaves that are not full are not folded" run "$S/alltoall_16384gpu.yaml" -s cluster.nodes=2000
tells "no symmetry of mpft with 16000 GPUs is known"
expect 0 "list kinds" list kinds
says "collective"
says "node_limited"

# --- refused ---------------------------------------------------------------------------------------
refused() { # TITLE SCENARIO WORDS -s...
    local title=$1 file=$2 words=$3
    shift 3
    expect 3 "$title" validate "$S/$file" "$@"
    tells "$words"
    check "$title: once" [ "$(grep -c 'error:' err)" = 1 ]
}
five=fig5_alltoall_mpft_mrft.yaml
refused "a size range upside down" $five "larger than collective.to" -s collective.from='32 GiB'
refused "GPUs that fill no node" $five "no whole number of nodes" -s collective.gpus=12
refused "GPUs that are no number" $five "'many' is no whole number" -s collective.gpus=many
refused "no GPUs" $five "'0' is no whole number" -s collective.gpus=0
refused "an unknown network" $five "did you mean 'mrft'?" -s collective.topologies='mpft, mrff'
refused "an algorithm that it has not" $five "no such algorithm" -s collective.algorithm=tree -s collective.gpus=32
refused "groups that do not divide" $five "do not divide into groups of 5" -s collective.group=5 -s collective.gpus=32
refused "receivers of an all-gather" $five "write 'collective.operation: all_to_all'" -s collective.operation=all_gather \
    -s collective.receiver_cv=0.1 -s collective.gpus=32
refused "an unknown operation" $five "all_to_all" -s collective.operation=all_two_all
refused "a size without unit" $five "write for example" -s collective.from=1024
seven=fig7_deepep.yaml
refused "more published values than sizes" $seven "4 values for 3 sizes" -s moe.normal.gpus=16,32,64 \
    -s moe.normal.combine_published='1 GB/s, 2 GB/s, 3 GB/s, 4 GB/s'
refused "a published value of another kind" $seven "moe.normal.combine_published" \
    -s moe.normal.combine_published='43 us'
refused "experts that do not divide" $seven "do not divide" -s moe.routing.experts=100 -s moe.low_latency.gpus= \
    -s moe.low_latency.dispatch_published= -s moe.low_latency.combine_published=
refused "loopback on planes" $seven "the planes of mpft" -s moe.low_latency.topology=mpft
refused "tokens of more experts than a node has GPUs" dedup_node_limited.yaml "cluster.node.gpus" \
    -s node_limited.experts_per_token=9
refused "a network without classes" incast_mixed.yaml "only network 'flow'" -s sim.network=cm02
refused "symmetry of a part" alltoall_16384gpu.yaml "all GPUs in one group" -s collective.group=64
refused "symmetry of a ring" alltoall_16384gpu.yaml "all_to_all, algorithm direct" -s collective.operation=all_gather
refused "symmetry with hashed routes" alltoall_16384gpu.yaml "policy: static" -s cluster.network.routing.policy=ecmp
refused "symmetry with a fault" alltoall_16384gpu.yaml "without cluster.faults" -s "cluster.faults.down=switch 3"
refused "mixed groups that do not divide" incast_mixed.yaml "do not divide" -s mixed.second.group=3
finish
