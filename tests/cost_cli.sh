#!/bin/bash
# Dollars and energy of a run are what its parts, its use and cluster.cost say, reckoned anew here. TAP.
. "$srcdir/tests/cli.sh" || exit 1
D="$srcdir/scenarios/decode_ep144.yaml -s inference.routing=balanced"
python3 -c 'import json' 2>/dev/null || { echo "1..0 # SKIP no python3 with json"; exit 0; }

reckons() { # TITLE FILE ASSERTIONS...
    local title=$1 file=$2
    shift 2
    check "$title" python3 - "$file" "$@" <<'END'
import json, math, sys
r = json.load(open(sys.argv[1]))
m = {k: v["value"] for k, v in r["metrics"].items()}
t = {t["name"]: t["rows"] for t in r["tables"]}
parts = {p["part"]: p for p in t["cost"]}
limits = {l["resource"]: l["share"] for l in t.get("limits", [])}
near = lambda a, b: math.isclose(a, b, rel_tol=1e-9)
for a in sys.argv[2:]:
    assert eval(a), a
END
}

expect 0 "a step of decoding" run $D -o step.json
reckons "what is bought is the sum of its parts" step.json \
    'near(m["cluster_cost"], sum(p["count"] * p["price"] for p in parts.values()))' \
    'parts["GPUs"]["count"] == 144 and parts["nodes"]["count"] == 18 and parts["NICs"]["count"] == 144' \
    'near(parts["nodes"]["price"] + 8 * parts["GPUs"]["price"] + 8 * parts["NICs"]["price"], 310e3)'
reckons "power follows what the kernels wait for" step.json \
    'near(parts["GPUs"]["power"], 75 + 225 * limits["memory bandwidth"] + 625 * limits["tensor cores"])' \
    'near(m["power"], 1.2 * sum(p["count"] * p["power"] for p in parts.values()))'
reckons "dollars and joules of a token" step.json \
    'near(m["energy_per_token"], m["power"] / (144 * m["tokens_per_s_gpu"]))' \
    'near(m["cost_per_million_tokens"], 1e6 / (144 * m["tokens_per_s_gpu"]) * (m["cluster_cost"] / (1461 * 86400) + m["power"] / 3.6e6 * 0.08))'
expect 0 "as text" run $D
says "cost: what the cluster is made of"
says "assumptions (cluster.cost): gpu, nic,"
check "that nodes draw their greatest is one of them" grep -q "assumptions (cluster.cost): .*, node_power," out
check "figures of a chip follow from the rule that they name" python3 - "$srcdir"/configs/*/cost.yaml <<'END'
import re, sys
chips = {p.split("/")[-2]: dict(re.findall(r"^(\w+): {value: ([\d.]+)", open(p).read(), re.M)) for p in sys.argv[1:]}
of = lambda chip, key: float(chips[chip][key])
for chip in chips:
    assert abs(of(chip, "gpu_memory") - of("h200", "gpu_memory") / of("h200", "gpu_limit") * of(chip, "gpu_limit")) <= 0.5, chip
    assert of(chip, "gpu_idle") + of(chip, "gpu_tensor") == of(chip, "gpu_limit"), chip
assert of("b200", "node") == of("h100", "node")
END
expect 0 "ports of half the bandwidth" run $D -s cluster.network.port_bandwidth='200 Gb/s' -o half.json
reckons "cost half" half.json 'parts["ports of switches"]["price"] == 562.5 / 2' 'parts["NICs"]["price"] == 1800'
check "and a note says so" grep -q 'ports and cables of 200 Gb/s' half.json
expect 0 "a GPU at its limit" run $D -s cluster.cost.gpu_limit='200 W' -o limit.json
reckons "draws no more" limit.json 'parts["GPUs"]["power"] == 200'
expect 0 "without prices" run $D -s cluster.cost.gpu='0 USD' -o power.json
reckons "energy alone is told" power.json '"energy_per_token" in m and "cluster_cost" not in m'
expect 0 "without a price for what there is" run $D -s cluster.cost.nic='0 USD' -o nic.json
says "costs are left out, without a price: NICs (cluster.cost.nic)"
reckons "no cost is told" nic.json '"energy_per_token" in m and "cluster_cost" not in m and "cost_per_million_tokens" not in m'

T="$srcdir/scenarios/train_step_2048.yaml -s train.topologies= -s train.chunks.samples=1"
expect 0 "a training" run $T -o train.json
reckons "of a whole training" train.json 'near(m["run_cost"], m["cost_per_million_tokens"] * 14.8e6)' \
    'near(m["run_energy"], m["energy_per_token"] * 14.8e12)' '75 < parts["GPUs"]["power"] < 700'
expect 0 "a training on GPUs with a slow memory" run "$srcdir/scenarios/train_step_dense_70b.yaml" \
    -s cluster.chip.memory_bandwidth='300 GB/s' --explain power
check "where GEMMs, too, wait for memory" awk '/share of time for memory/ { m = $6 } /share of time for tensor cores/ { t = $7 }
    END { exit !(m > 0.5 && t < 0.1) }' out

# --- what a search makes of it ---------------------------------------------------------------------------------
expect 0 "the cheapest tokens, GPUs counted" search $D --minimize cost_per_million_tokens --minimize tpot --no-why \
    --vary inference.decode.batch=16,32,64 --vary cluster.topology=mrft,ft2 --where 'energy_per_token <= 10 J'
says "cost_per_million_tokens"
small="$srcdir/scenarios/fig6_latency_16gpu.yaml -s collective.topologies= -s collective.from=4MiB -s collective.to=4MiB --no-why
    --vary cluster.topology=mpft,ft2"
expect 0 "of what has no tokens the cluster" search $small -s cluster.nodes=2 --minimize cluster_cost
says "cluster_cost"
for metric in cluster_cost network_cost; do
    expect 2 "$metric of a number of nodes that is not said" search $small --minimize $metric
    tells "'$metric' is not known: the scenario does not say how many nodes there are; add -s cluster.nodes=N"
done
expect 2 "a cluster without all prices" search $small -s cluster.nodes=2 --minimize cluster_cost \
    -s cluster.cost.switch_port='0 USD' -s cluster.cost.nic='0 USD'
tells "no price of NICs (cluster.cost.nic), ports of switches (cluster.cost.switch_port); add -s"
expect 2 "tokens without all prices" search $D --minimize cost_per_million_tokens --no-why --vary inference.decode.batch=16,32 \
    -s cluster.cost.nic='0 USD'
tells "'cost_per_million_tokens' is not known: there is no price of NICs (cluster.cost.nic)"
expect 2 "hardware without prices" search $small -s cluster.nodes=2 -s hardware=b300 --minimize cluster_cost
tells "or a cost.yaml to the hardware"
expect 2 "hardware that does not say what it draws" search $small -s cluster.nodes=2 -s hardware=b300 --minimize energy_per_token
tells "this hardware does not say what it draws; give it a cost.yaml"
# network_cost knows no bandwidths: a search that comes with moesim does not ask for it where they vary.
for file in "$srcdir"/scenarios/search/*.yaml; do
    check "$(basename "$file"): its cost sees its axes" \
        bash -c '! { grep -q "minimize:.*network_cost" "$1" && grep -qE "(nic.bandwidth|port_bandwidth):" "$1"; }' - "$file"
done
finish
