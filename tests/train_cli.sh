#!/bin/bash
# Kind train_step: Table 4 within what is claimed, sums, determinism, symmetry on and off, layouts, refusals. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios/train_step_2048.yaml
asserts() { # FILE PYTHON: d the document, m metrics by name, t tables by name
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
m = {k: v["value"] for k, v in d["metrics"].items()}
t = {x["name"]: x["rows"] for x in d["tables"]}
exec(sys.argv[2])' "$@"
}

expect 0 "Table 4" run "$S" -s train.chunks.samples=1 -o t4.json --timeline tl.json --timeline-ranks 0,128
check "1F1B within 8 %" asserts t4.json 'assert abs(m["fb_time"] / 13.95 - 1) < 0.08'
check "tokens per day within 8 %" asserts t4.json 'assert abs(m["tokens_per_day"] / 272.80e9 - 1) < 0.08'
check "networks within 0.5 %" asserts t4.json 'assert m["network_difference"] < 0.005'
check "rows of every rank add up to the step" asserts t4.json '
for r in t["ranks"]:
    s = sum(r[k] for k in ("f_time", "bubble", "b_time", "w_time", "fb_time", "opt_time"))
    assert abs(s / m["step_time"] - 1) < 1e-9, r'
check "the breakdown adds up to the step" asserts t4.json '
assert abs(sum(p["value"] for p in d["breakdown"]) / m["step_time"] - 1) < 1e-9'
check "FLOPS and MFU follow from tokens per day" asserts t4.json '
assert abs(m["tflops_causal"] / (m["tokens_per_day"] / 86400 / 2048 * 249.82e9) - 1) < 1e-4
assert abs(m["mfu_noncausal"] / (m["tflops_noncausal"] / 989e12) - 1) < 1e-9'
check "GPU-hours and dollars" asserts t4.json '
assert abs(m["gpu_hours"] / (14.8e12 / m["tokens_per_day"] * 24 * 2048) - 1) < 1e-9
assert abs(m["training_cost"] - 2 * m["gpu_hours"]) < 1'
check "the paper stands beside it" asserts t4.json '
assert d["metrics"]["bubble"]["recorded"] == 2.06
assert [r for r in t["step"] if r["of"] == "paper, Table 4"][1]["fb_time"] == 14.0
assert all(r["missing"] for r in t["deviation"] if abs(r["deviation"]) > 0.05 and r["class"] == "predicted")'
check "4 layers a stage, one and the MTP module on the last" asserts t4.json '
assert [r["layers"] for r in t["stages"]][1:] == 14 * ["4 moe"] + ["moe, head, embedding, projection, moe, head"]'
check "timeline" python3 "$srcdir/tests/timeline_check.py" tl.json 0 128

# A small training: 32 GPUs, 2 pipeline ranks of two groups of 8.
small=(-s train.topologies=mpft -s cluster.nodes=4 -s train.layers= -s train.pp=2 -s train.ep=8 -s train.sequences=64 -s llm.layers=8 -s llm.mtp_layers=0
       -s llm.moe.routed=64 -s llm.moe.groups=1 -s llm.moe.top_groups=1 -s train.chunks.samples=2)
expect 0 "small" run "$S" "${small[@]}" -o a.json
says "Table 4 is not shown beside"
expect 0 "small again" run "$S" "${small[@]}" -o b.json
check "same input, same bytes" cmp a.json b.json
both=("${small[@]}" -s train.topologies='mpft, mrft' -s train.chunks.samples=1)
expect 0 "small on two networks" run "$S" "${both[@]}" -o exact.json
expect 0 "small without symmetry" run "$S" "${both[@]}" -s train.symmetry=off -o off.json
check "sharing changes nothing" python3 -c '
import json
a, b = (json.load(open(f)) for f in ("exact.json", "off.json"))
assert a["metrics"] == b["metrics"] and a["breakdown"] == b["breakdown"]
rows = lambda d, n: [t["rows"] for t in d["tables"] if t["name"] == n]
assert all(rows(a, n) == rows(b, n) for n in ("step", "ranks", "bubble_bridge"))'
# 16 nodes on a Slim Fly: three groups see networks unlike each other
unlike=("${small[@]}" -s train.sequences=256 -s cluster.nodes=16 -s train.ep=16 -s train.pp=4 -s train.topologies=slim_fly)
for places in 0 2 1000; do
    expect 0 "a sample at $places places" run "$S" "${unlike[@]}" -s train.chunks.places=$places -o places$places.json
done
check "stand-ins are told; all places are none" python3 -c '
import json, re
all, two, many = (json.load(open(f"places{n}.json")) for n in (0, 2, 1000))
note = lambda d: next((n for n in d["notes"] if "unlike" in n), None)
assert note(all) is None and note(many) is None and all["metrics"] == many["metrics"] and all["tables"] == many["tables"]
found = re.match(r"(\d+) groups .* on (\d+) of them.* by ([0-9.e-]+) %", note(two))
assert found and int(found[1]) > 2 and int(found[2]) == 2 and 0 < float(found[3]) < 30, note(two)
a, b = (d["metrics"]["step_time"]["value"] for d in (all, two))
assert a != b and abs(a / b - 1) < 0.05, (a, b)'
expect 0 "another seed" run "$S" "${small[@]}" -s sim.seed=2 -o c.json
check "another seed is another step" python3 -c '
import json
a, c = (json.load(open(f))["metrics"]["step_time"]["value"] for f in ("a.json", "c.json"))
assert a != c and abs(a / c - 1) < 0.05'
for s in 1f1b zb1p; do
    expect 0 "$s" run "$S" "${small[@]}" -s train.schedule=$s -o $s.json
done
expect 0 "all computed again" run "$S" "${small[@]}" -s train.recompute=full -o full.json
check "time for memory" python3 -c '
import json
v = lambda f, k: json.load(open(f))["metrics"][k]["value"]
assert v("full.json", "memory") < v("a.json", "memory") and v("full.json", "step_time") > 1.1 * v("a.json", "step_time")'
expect 0 "hidden messages" run "$S" "${small[@]}" -s train.messages=hidden -o h.json
expect 0 "slow network" run "$S" "${small[@]}" -s cluster.nic.bandwidth='100 Gb/s' -o n.json
check "what should matter does" python3 -c '
import json
v = lambda f, k: json.load(open(f))["metrics"][k]["value"]
assert v("h.json", "step_time") < v("a.json", "step_time") < v("n.json", "step_time")
assert v("1f1b.json", "memory") < v("a.json", "memory")
assert v("1f1b.json", "w_time") == 0 < v("zb1p.json", "w_time")'
expect 0 "the trace on another chip" run "$S" "${small[@]}" -s train.chunks.samples=1 -s hardware=h200
says "times recorded on NVIDIA H800 are moved to H200"
says "recorded on NVIDIA H800 and moved by ratios of its rates"
expect 0 "and with another rate" run "$S" "${small[@]}" -s train.chunks.samples=1 -s cluster.chip.fp8=2200TFLOPS
says "moved to the H800 with other numbers"
expect 0 "Table 4 on another chip" run "$S" -s train.chunks.samples=1 -s train.topologies= -s hardware=h200 -s train.sequences=4096
says "it is of 2,048 H800"
for s in dualpipe 1f1b; do
    expect 0 "an evaluation, $s" run "$S" "${small[@]}" -s train.schedule=$s -s train.without=backward -o eval_$s.json
    check "each micro-batch passes each stage once, forward" python3 -c '
import json, sys
d = json.load(open("eval_%s.json" % sys.argv[1]))
row = lambda n: [t["rows"] for t in d["tables"] if t["name"] == n][0]
assert {r["chunk"] for r in row("chunks")} == {"F"}
assert all(r["b_time"] == r["w_time"] == r["fb_time"] == r["opt_time"] == 0 < r["f_time"] for r in row("ranks"))
micro_batches, pass_s = 4, sum(r["time"] for r in row("chunks")) # two stages
assert abs(sum(r["f_time"] for r in row("ranks")) / (micro_batches * pass_s) - 1) < 0.02' $s
done
# A NIC that is down makes its group's place unlike the others', and only that.
broken=(-s train.topologies=mrft -s cluster.topology=mrft -s cluster.nodes=16 -s cluster.network.switch_ports=16 -s train.pp=4 -s train.ep=16
        -s train.sequences=256 -s llm.layers=8 -s llm.mtp_layers=0 -s llm.dense_layers=0 -s llm.moe.routed=64 -s llm.moe.groups=2
        -s llm.moe.top_groups=2 -s train.chunks.samples=1 -s train.compare=none -s train.layers=2,2,2,2 -s train.schedule=1f1b)
expect 0 "all works" run "$srcdir/scenarios/train_step_2048_kernels.yaml" "${broken[@]}" -o whole.json
expect 0 "a NIC is down" run "$srcdir/scenarios/train_step_2048_kernels.yaml" "${broken[@]}" -s cluster.faults.down='nic 3' -o nic.json
expect 0 "the same, everything simulated" run "$srcdir/scenarios/train_step_2048_kernels.yaml" "${broken[@]}" -s cluster.faults.down='nic 3' -s train.symmetry=off -o nic_off.json
check "a fault costs time where it is, and sharing the rest changes nothing" python3 -c '
import json
whole, nic, off = (json.load(open(f + ".json")) for f in ("whole", "nic", "nic_off"))
table = lambda d, n: [t["rows"] for t in d["tables"] if t["name"] == n][0]
chunks = lambda d: {(r["chunk"], r["stages"]): r["time"] for r in table(d, "chunks")}
a, b = chunks(whole), chunks(nic)
assert nic["metrics"]["step_time"] == off["metrics"]["step_time"] and table(nic, "ranks") == table(off, "ranks")
assert nic["metrics"]["step_time"]["value"] > 1.01 * whole["metrics"]["step_time"]["value"]
assert b["F", "0"] > a["F", "0"] and all(abs(b[k] / a[k] - 1) < 1e-9 for k in a if k[1] != "0" and k in b), (a, b)
assert all(t > 0 for t in b.values())'
expect 0 "explain" run "$S" "${small[@]}" --explain opt_time
says "train.precision.gradient_sent"

# From the kernel model: the same step, a dense model, another chip.
K=$srcdir/scenarios/train_step_2048_kernels.yaml D=$srcdir/scenarios/train_step_dense_70b.yaml
expect 0 "kernel model" run "$K" -s train.chunks.samples=1 -s train.topologies= -o k.json
expect 0 "another model" run "$K" -s train.chunks.samples=1 -s train.topologies= -s model=llama3.1_70b -s train.layers= \
    -s train.ep=1 -s train.pp=32 -s train.schedule=1f1b -s train.compute=fp8
says "LLaMA-3.1-70B on 2048 H800, 32 pipeline ranks"
check "is not compared with the paper's" [ -z "$(grep -E 'recorded|paper, Table 4' out)" ]
check "from kernels: 1F1B and tokens per day within 8 %" asserts k.json '
assert abs(m["fb_time"] / 13.95 - 1) < 0.08 and abs(m["tokens_per_day"] / 272.80e9 - 1) < 0.08'
expect 0 "dense" run "$D" -o d.json
expect 0 "dense, everything" run "$D" -s train.symmetry=off -o doff.json
check "one pipeline stands for all" python3 -c '
import json
a, b = (json.load(open(f)) for f in ("d.json", "doff.json"))
assert all(abs(a["metrics"][k]["value"] - b["metrics"][k]["value"]) <= 1e-12 * abs(a["metrics"][k]["value"])
           for k in a["metrics"])'
check "a dense model has no experts to talk to" asserts d.json '
assert "nodes_per_token" not in m and m["fb_time"] == 0 < m["bubble_formula"] < m["bubble"]
assert [r["in_flight"] for r in t["memory"]] == list(range(16, 0, -1))'
expect 3 "dense in too little memory" run "$D" -s train.schedule=zb1p
tells "activations of 16 chunks in flight"
tells "'train.recompute: full' would need"
expect 3 "dense in far too little memory" run "$D" -s cluster.chip.memory='10 GB' -s train.software=megatron -s train.recompute=none
tells "computing every layer again (train.recompute: full) would still need"
expect 0 "buffers of experts" run "$K" -s train.chunks.samples=1 -s train.topologies= -s train.exchange.capacity=4 -o cap.json
check "4 times an even share, in and out" python3 -c '
import json
v = lambda f: json.load(open(f))["metrics"]["memory"]["value"]
assert abs((v("cap.json") - v("k.json")) / (2 * 4 * 4096 * 8 * 7168 * 2) - 1) < 1e-9'
expect 3 "experts of a dense model" run "$D" -s train.ep=8
tells "a dense model has no experts to divide among 8 GPUs"
expect 3 "dense model, recorded experts" run "$D" -s train.chunks.source=trace
tells "write 'source: kernels'"
expect 0 "another chip" run "$D" -s hardware=gb200_nvl72 -s cluster.topology=ft3 -s cluster.nodes=4 -s train.sequences=1152

# Tensor, context and expert tensor parallelism; recipes; places.
dense=(-s train.software=megatron -s train.sequences=256 -s cluster.chip.memory='200 GB' -s train.layout='E(t*5|)*15t*5L')
expect 0 "one GPU a layer" run "$D" "${dense[@]}" -o tp1.json
expect 0 "two GPUs share layers" run "$D" "${dense[@]}" -s train.tp=2 -o tp2.json
expect 0 "beside GEMMs" run "$D" "${dense[@]}" -s train.tp=2 -s train.tp_overlap=true -o tp2o.json
expect 0 "two GPUs share sequences" run "$D" "${dense[@]}" -s train.cp=2 -o cp2.json
check "TP gathers and sums up twice a layer forward, over NVLink and waited for; computation halves" python3 -c '
import json
def chunk(f, kind):
    t = [t["rows"] for t in json.load(open(f))["tables"] if t["name"] == "chunks"][0]
    return [r for r in t if r["chunk"] == kind and r["stages"] == "1"][0]
a, b, c, d = (chunk(f + ".json", "F") for f in ("tp1", "tp2", "tp2o", "cp2"))
layers = 5
vector = layers * 4096 * 8192 / 2 / 160e9 # each sends its half
gathered, summed = 2 * (1 + 1 / 32) * vector, 2 * 2 * vector # in FP8, in BF16
gathered += summed + 4 * layers * 13.6e-6 # and starts them
assert abs((b["time"] - b["compute"]) / gathered - 1) < 0.1, (b, gathered)
assert 0.5 < b["compute"] / a["compute"] < 0.55
assert b["compute"] < c["time"] < b["time"] and c["time"] - c["compute"] > 0.9 * summed # only gathering goes beside
assert 0.5 < d["time"] / a["time"] < 0.55'
expect 0 "in BF16" run "$D" "${dense[@]}" -s train.compute=bf16 -o bf16.json
check "BF16 takes longer, has no casts, and keeps more" python3 -c '
import json
v = lambda f, k: json.load(open(f))["metrics"][k]["value"]
assert 1.3 < v("bf16.json", "f_time") / v("tp1.json", "f_time") < 2
assert v("bf16.json", "memory") > v("tp1.json", "memory")'
expect 0 "in NVFP4" run "$D" "${dense[@]}" -s train.compute=nvfp4 -s cluster.chip.fp4=4000TFLOPS -o fp4.json
check "FP4 takes less, and keeps less" python3 -c '
import json
v = lambda f, k: json.load(open(f))["metrics"][k]["value"]
assert 0.55 < v("fp4.json", "f_time") / v("tp1.json", "f_time") < 0.95
assert v("fp4.json", "memory") < v("tp1.json", "memory")'
expect 3 "FP4 without tensor cores for it" run "$D" "${dense[@]}" -s train.compute=nvfp4
tells "has no tensor cores for FP4 (cluster.chip.fp4); write mxfp8"
expect 3 "attention in FP4" run "$D" "${dense[@]}" -s train.attention_compute=nvfp4
tells "core attention has no kernels in NVFP4"
for r in '-s cluster.chip.name=as-it-is' '-s cluster.chip.fp8=3000TFLOPS' '-s cluster.chip.bf16=1500TFLOPS'; do
    expect 0 "a model in BF16, ${r#-s cluster.chip.}" run "$K" -s train.chunks.samples=1 -s train.topologies= -s llm.weight='2 B' \
        -s cluster.chip.memory='300 GB' $r -o "$(echo "$r" | tr -dc a-z0-9).json"
done
says "linear layers and experts compute in BF16 (train.compute: as the model's weights)"
check "computes in it: only its rate counts" python3 -c '
import glob, json
v = lambda x: json.load(open(glob.glob("*" + x + "*.json")[0]))["metrics"]["step_time"]["value"]
assert v("chipnameasitis") == v("chipfp8") > 1.2 * v("chipbf16")'
expect 0 "stages in one node" run "$D" "${dense[@]}" -s train.pp=8 -s train.layout= -s train.layers="10,10,10,10,10,10,10,10" -s train.sequences=512 -s train.placement.order=pipeline_inner -o in.json
expect 0 "stages apart" run "$D" "${dense[@]}" -s train.pp=8 -s train.layout= -s train.layers="10,10,10,10,10,10,10,10" -s train.sequences=512 -o out.json
check "messages stay on NVLink, gradients do not" python3 -c '
import json
v = lambda f, k: json.load(open(f))["metrics"][k]["value"]
assert v("in.json", "bubble") < v("out.json", "bubble") and v("in.json", "opt_time") >= v("out.json", "opt_time")'
python3 -c 'for i in range(256): print(i // 8, i % 8)' >places.txt
expect 0 "places from a file" run "$D" "${dense[@]}" -s train.placement.file=places.txt -o f.json
check "the same places, the same step" python3 -c '
import json
assert json.load(open("f.json"))["metrics"] == json.load(open("tp1.json"))["metrics"]'

# Data parallelism beside chunks: LLaMA 3.1 70B on 4 pipeline ranks of 64 GPUs.
dp=(-s train.pp=4 -s train.layers="20,20,20,20" -s train.sequences=512 -s cluster.chip.memory=1TB -s cluster.network.routing.policy=spray -s train.software=megatron)
for w in gather=end gather=on_demand gather=ahead reduce=overlap; do
    expect 0 "data parallelism, $w" run "$D" "${dp[@]}" -s train.data_parallel.$w -o "dp_${w#*=}.json"
done
expect 0 "on demand, all GPUs on their own links" run "$D" "${dp[@]}" -s train.data_parallel.gather=on_demand -s train.symmetry=off -o dp_off.json
expect 0 "on demand, buckets" run "$D" "${dp[@]}" -s train.data_parallel.gather=on_demand -s train.data_parallel.bucketed=all -s train.data_parallel.bucket=1000000000 -o dp_buckets.json
check "gathers on demand come one after the other along the pipeline, ahead beside each other; buckets go beside computation" python3 -c '
import json
d = {n: json.load(open("dp_" + n + ".json")) for n in ("end", "on_demand", "ahead", "overlap", "off", "buckets")}
step = {n: x["metrics"]["step_time"]["value"] for n, x in d.items()}
part = lambda n, p: [x["value"] for x in d[n]["breakdown"] if x["name"] == p][0]
one = part("on_demand", "gather_parameters")
params = 17.6e9 * 2 # of a rank in BF16, over NVLink of 160 GB/s, and read and written once more where they are cast
assert 1 < one / (params * 63 / 64 / 160e9) < 1.25, one
assert abs((step["on_demand"] - step["ahead"]) / (3 * one) - 1) < 0.1, step
assert step["ahead"] < 1.001 * step["end"] and step["overlap"] < 1.001 * step["end"] # one chunk a rank: nothing behind to hide
assert step["ahead"] < step["buckets"] < step["on_demand"] - one
assert all(abs(sum(p["value"] for p in x["breakdown"]) / step[n] - 1) < 1e-9 for n, x in d.items())'
check "one GPU for its group, the same step" python3 -c '
import json
a, b = (json.load(open(f))["metrics"] for f in ("dp_on_demand.json", "dp_off.json"))
assert all(abs(a[k]["value"] - b[k]["value"]) <= 1e-9 * abs(a[k]["value"]) for k in a)'
expect 0 "a host that takes a second" run "$D" "${dp[@]}" -s train.host.step=1s -o dp_host.json
check "takes a second" python3 -c '
import json
v = lambda f: json.load(open(f))["metrics"]["step_time"]["value"]
assert abs(v("dp_host.json") - v("dp_end.json") - 1) < 1e-6'

# The host: launches of each kernel where it is slower than the GPU, a graph's by its nodes.
for w in launch=eager graph_node=1us graph_node=2us; do
    expect 0 "host, $w" run "$D" "${dp[@]}" -s train.host.$w -o "host_${w#*=}.json"
done
expect 0 "a slow host" run "$D" "${dp[@]}" -s train.host.launch=eager -s train.host.kernel=2ms -o host_2ms.json
expect 0 "a slower host" run "$D" "${dp[@]}" -s train.host.launch=eager -s train.host.kernel=4ms -o host_4ms.json
check "a fast host hides, a slow one counts all kernels; nodes of a graph are counted once" python3 -c '
import json
v = {n: json.load(open("host_" + n + ".json"))["metrics"]["step_time"]["value"] for n in ("eager", "1us", "2us", "2ms", "4ms")}
graph = json.load(open("dp_end.json"))["metrics"]["step_time"]["value"]
assert 0 <= v["eager"] / graph - 1 < 0.001, v
assert 1e-3 < v["1us"] - graph < 0.1 and abs((v["2us"] - graph) / (v["1us"] - graph) - 2) < 1e-6, v
assert 1.8 < v["4ms"] / v["2ms"] < 2, v'

# Two levels: a node's members over NVLink, one ring of each over the nodes. The NICs carry the same, fewer hops add up.
for s in exact off; do
    expect 0 "hierarchical, symmetry $s" run "$D" "${dp[@]}" -s train.data_parallel.gather=on_demand -s train.data_parallel.algorithm=hierarchical -s train.symmetry=$s -o "two_$s.json"
done
check "like rings, but for hops; one GPU for its group within 0.1 %" python3 -c '
import json
a, b, ring = (json.load(open(f))["metrics"]["step_time"]["value"] for f in ("two_exact.json", "two_off.json", "dp_on_demand.json"))
assert abs(a / b - 1) < 1e-3 and 0.95 < a / ring < 1, (a, b, ring)'

expect 0 "what if" run "$D" "${dp[@]}" -s train.sequences=768 -s train.tp=2 -s train.data_parallel.gather=on_demand -s train.jitter.gpu_cv=0.015 --what-if -o if.json
check "each change gains about its part of the step" asserts if.json '
w = {r["resource"]: r["gain"] for r in t["what_if"]}
part = {p["name"]: p["value"] / m["step_time"] for p in d["breakdown"]}
assert all(g >= -0.005 for g in w.values()), w
assert w["tensor and context parallelism take no time"] > part["exposed_tensor"] > 0.01, (w, part)
assert w["gradients, optimizer, parameters and host take no time"] > part["reduce_gradients"] + part["optimizer"] > 0.01
assert 0.005 < w["every GPU computes like the mean"] < 0.03
assert 0.3 < w["tensor cores"] < 1 and w["memory bandwidth"] > 0.01 and w["NVLink bandwidth"] > 0'

# Differences between GPUs: the slowest of many counts. Kernels' own luck, power laws of experts, kernels of exchanges.
for cv in 0 0.015 0.03; do
    expect 0 "GPUs that differ by $cv" run "$D" -s train.pp=1 -s llm.layers=8 -s train.sequences=2048 -s cluster.chip.memory=1TB -s train.jitter.gpu_cv=$cv -o "cv$cv.json"
done
check "a step goes at the pace of the slowest GPU of all, 2 to 2.7 standard deviations off" python3 -c '
import json
a, b, c = (json.load(open(f"cv{v}.json"))["metrics"]["step_time"]["value"] for v in ("0", "0.015", "0.03"))
assert abs((c - a) / (b - a) - 2) < 0.15 and 0.015 * 1.6 < b / a - 1 < 0.015 * 2.7, (a, b, c)'
expect 0 "what it waits for" run "$D" -s train.pp=1 -s llm.layers=8 -s train.sequences=2048 -s cluster.chip.memory=1TB \
    --critical-path --what-if -o path.json
check "resources on the critical path are those that gain" python3 -c '
import json
tables = {t["name"]: {r["resource"]: r for r in t["rows"]} for t in json.load(open("path.json"))["tables"]
          if t["name"] in ("what_if", "critical_path")}
gains, path = tables["what_if"], tables["critical_path"]
assert list(path)[0] == "tensor cores", list(path)
for name in ("tensor cores", "memory bandwidth"):
    gain, share = gains[name]["gain_of_1_percent"], path[name]["share"]
    assert abs(gain - share) < 0.03, (name, gain, share)'
expect 0 "what pipelines that meet wait for" run "$D" -s train.sequences=256 --critical-path -o met.json
check "the critical path is all of the step" python3 -c '
import json
d = json.load(open("met.json"))
times = [r["time"] for t in d["tables"] if t["name"] == "critical_path" for r in t["rows"]]
assert abs(sum(times) / d["metrics"]["step_time"]["value"] - 1) < 1e-9, (sum(times), d["metrics"]["step_time"])'
for step in critical memory; do
    more=--critical-path; [ $step = memory ] && more='-s cluster.chip.memory_bandwidth=3.3835TB/s'
    expect 0 "a recorded step, $step" run "$srcdir/scenarios/train_replay_h800.yaml" $more -o replay_$step.json
done
check "so are those of a recorded step" python3 -c '
import json
a, b = (json.load(open(f"replay_{s}.json")) for s in ("critical", "memory"))
path = {r["resource"]: r["share"] for t in a["tables"] if t["name"] == "critical_path" for r in t["rows"]}
gain = (a["metrics"]["makespan"]["value"] / b["metrics"]["makespan"]["value"] - 1) / 0.01
assert path["tensor cores"] > 0.5 and abs(path["memory bandwidth"] - gain) < 0.03, (path, gain)'
expect 0 "all at half the pace" run "$D" -s train.pp=1 -s llm.layers=8 -s train.sequences=2048 -s cluster.chip.memory=1TB -s train.jitter.gpu_cv=0 -s train.jitter.sustained=0.5 -o half.json
check "doubles computation" python3 -c '
import json
a, b = (json.load(open(f))["breakdown"] for f in ("cv0.json", "half.json"))
compute = lambda d: [p["value"] for p in d if p["name"] == "compute"][0]
assert abs(compute(b) / compute(a) - 2) < 1e-6, (a, b)'
ep=("${small[@]}" -s train.software=megatron -s train.jitter.gpu_cv=0)
expect 0 "DeepEP as DeepSeek-V3 had it" run "$K" "${ep[@]}" -o ep0.json
expect 0 "HybridEP" run "$K" "${ep[@]}" -s cluster.ep_kernel.kernel=hybrid_ep -o ep1.json
expect 0 "kernels with luck" run "$K" "${ep[@]}" -s train.jitter.kernel_cv=0.05 -o ep2.json
expect 0 "a few experts do most" run "$K" "${ep[@]}" -s train.chunks.expert_exponent=0.5 -o ep3.json
check "each matters, in its direction" python3 -c '
import json
v = [json.load(open(f"ep{i}.json"))["metrics"]["step_time"]["value"] for i in range(4)]
assert v[1] > 1.02 * v[0] and v[0] < v[2] < 1.05 * v[0] and v[3] > 1.02 * v[0], v'

refuse() { # TITLE TEXT ARGS...
    local title=$1 text=$2
    shift 2
    expect 3 "$title" run "$S" "$@"
    tells "$text"
}
refuse "experts and ranks" "256 experts (llm.moe.routed) do not divide among 24 GPUs" -s cluster.nodes=48 \
    -s train.pp=16 -s train.ep=24
refuse "groups of experts and nodes" "groups of experts (llm.moe.groups) on 3 nodes would be cut apart" \
    -s cluster.nodes=48 -s train.ep=24 -s llm.moe.routed=192
refuse "pp and layers" "64 pipeline stages are more than the 61 layers" -s train.pp=64
refuse "GPUs and ranks" "2048 GPUs (256 nodes of 8) do not divide among 15 pipeline ranks" -s train.pp=15
refuse "GPUs and groups" "do not divide into groups of 48" -s train.ep=48
refuse "part of a node" "neither whole nodes nor a part of one" -s train.ep=12 -s cluster.nodes=192 -s llm.moe.routed=252 -s llm.moe.groups=4
refuse "sequences" "15000 sequences do not divide" -s train.sequences=15000
refuse "micro-batches" "at least 32, not 30" -s train.sequences=3840
refuse "odd ranks" "even number of pipeline ranks, not 15" -s train.pp=15 -s cluster.nodes=120
refuse "memory" "it has 40.0 GB (cluster.chip.memory)" -s cluster.chip.memory='40 GB'
tells "activations of 17 chunks in flight"
refuse "schedule" "did you mean 'dualpipe'" -s train.schedule=dualpip
refuse "layers by hand" "these are 60 layers on 2 stages; there are 61 layers" -s train.layers='30, 30'
refuse "layers of another pipeline" "leave it empty ('') to have them dealt" -s train.pp=8
sed -i '5s/.*/0 9/' places.txt
expect 3 "a place that is none" run "$D" -s train.placement.file=places.txt
tells "9 is no GPU of a node; there are 0 to 7"
sed -i '5s/.*/0 3/' places.txt
expect 3 "a place twice" run "$D" -s train.placement.file=places.txt
tells "GPU 3 of node 0 has place 3 already"
expect 3 "two levels and places from a file" run "$D" -s train.placement.file=places.txt -s train.data_parallel.algorithm=hierarchical
tells "with places from a file write 'ring'"
expect 3 "too few places" run "$D" -s train.placement.file=places.txt -s cluster.nodes=64
tells "has 256 GPUs, the training has 512"
refuse "more GPUs than a node has" "a node has 8 GPUs (cluster.node.gpus), not 9" -s train.placement.gpus_of_node=9
refuse "groups over parts of nodes" "they must stand in one node" -s train.placement.gpus_of_node=4 -s cluster.nodes=512
refuse "tensor parallelism from a trace" "write 'source: kernels'" -s train.tp=2
expect 3 "heads and TP" run "$D" -s train.tp=3 -s cluster.nodes=96
tells "64 heads"
expect 3 "groups of two kinds" run "$K" -s train.tp=3 -s train.cp=16
tells "one number must divide the other"
expect 3 "expert tensor parallelism of DeepSeek's kernels" run "$K" -s train.etp=2 -s train.ep=32
tells "'software: megatron' only"
expect 3 "SMs for communication that there are not" run "$K" -s train.gemm_margin=132
tells "132 SMs are left to communication, of the 132 that there are"
expect 3 "and of attention" validate "$K" -s train.attention_margin=1000
tells "nothing is left to compute"
expect 3 "blocks that the chip does not scale" run "$K" -s train.compute=mxfp8 -s train.software=megatron
tells "no tensor cores that scale blocks of 32"
expect 3 "a format of other software" run "$K" -s train.compute=mxfp8
tells "write 'software: megatron'"
expect 3 "a module that is none" run "$K" -s train.software=megatron -s train.recompute='mlp, norms'
tells "norms"
expect 3 "kernels of decoding" run "$K" -s cluster.ep_kernel.kernel=deepep_low_latency
tells "deepep_low_latency is for few tokens, not for training"
refuse "a trace with other kernels" "kernels of a trace are as they were recorded" -s cluster.ep_kernel.kernel=hybrid_ep
refuse "launches of a trace" "gaps between a trace's kernels are in it" -s train.host.launch=eager
refuse "gradients beside chunks in both directions" "at the end of the step only" -s train.data_parallel.reduce=overlap
refuse "layout" "these are 60 layers (t); there are 61" -s train.layers= -s train.layout='E(t*4|)*15mL'
refuse "layout and layers" "leave one of them out" -s train.layout='Et*4|(t*4|)*14tmL'
refuse "virtual stages of a schedule without" "write 'schedule: interleaved'" -s train.virtual_stages=2
refuse "interleaved without virtual stages" "write how many" -s train.schedule=interleaved
refuse "micro-batches that do not fill the ranks" "a multiple of 16 micro-batches, not 8" -s train.schedule=interleaved \
    -s train.virtual_stages=2 -s train.sequences=1024
refuse "rank" "there is no pipeline rank 16" -s train.rank=16
expect 4 "a trace that is not there" run "$S" -s train.chunks.trace=nothing.json
tells "there is no file 'nothing.json'"
refuse "another model's trace" "the trace traces/deepseek_v3_train.trace.json was recorded with 7168" -s llm.hidden=5120
refuse "recomputation" "write selective or full" -s train.recompute=none
refuse "faults that come later" "what is down is so all the time" -s cluster.faults.down='link 1' -s cluster.faults.at='1 ms'
refuse "network" "did you mean 'mpft'" -s train.topologies='mpf'
expect 0 "schedules" list schedules
says "dualpipe "
# the list of networks decides, of what the cluster costs, too
expect 3 "a network beside the list" validate "$srcdir/scenarios/train_step_2048.yaml" -s cluster.topology=slim_fly
tells "'cluster.topology' changes nothing: 'train.topologies' is mpft, mrft"
for given in 'train.topologies=ft3' 'train.topologies= -s cluster.topology=ft3'; do
    expect 0 "costs: $given" run "$srcdir/scenarios/train_step_2048.yaml" -s train.chunks.samples=1 -s train.sequences=4096 -s $given -o cost.json
    check "are those of ft3" python3 -c 'import json; assert abs(json.load(open("cost.json"))["metrics"]["cluster_cost"]["value"] - 92.98e6) < 1e4'
done
finish
