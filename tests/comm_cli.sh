#!/bin/bash
# moesim comm as a user types it. TAP.
. "$srcdir/tests/cli.sh"
asserts() { # FILE EXPRESSION-PER-LINE
    python3 - "$1" "$2" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
text = sys.argv[2].strip()
import re
for e in re.split(r"\n(?![ ])", text):
    if not eval(" ".join(e.split("\n"))):
        sys.exit("not so: " + e + "\n" + json.dumps(d)[:2000])
PY
}

rows=$srcdir/tests/data/exchange_rows.csv
expect 0 "what is known of kernels" comm --hardware h200
says "deepep_normal"
says "measured with DeepEP of SGLang"
expect 0 "measured rows beside the model" comm --hardware h200 --check "$rows" -f json -o c.json
check "groups by kernel, nodes and size" asserts c.json '
[g["name"] for g in d["groups"]] == ["all", "deepep_normal, h200, 1 node, bandwidth", "deepep_normal, h200, 1 node, latency",
                                     "deepep_normal, h200, 4 nodes, bandwidth"]
[g["rows"] for g in d["groups"]] == [8, 2, 2, 4]
all(g["median"] < 0.1 and g["p90"] < 0.2 for g in d["groups"])'
expect 1 "a group that misses by more" comm --hardware h200 --check "$rows" --tolerance "0.1 %"
expect 0 "constants of one's own" comm --hardware h200 --check "$rows" --fit
says "cluster.ep_kernel.deepep_normal.dispatch_start"
says "lines 2, 3"
# other units are noticed, before constants are fitted to them, too
for factor in 1000 0.001; do
    python3 - "$rows" $factor >other.csv <<'PY'
import csv, sys
lines = list(csv.reader(open(sys.argv[1])))
times = [i for i, name in enumerate(lines[0]) if name.endswith("_us")]
assert times, lines[0]
for line in lines[1:]:
    for i in times:
        line[i] = repr(float(line[i]) * float(sys.argv[2])) if line[i] else ""
csv.writer(sys.stdout).writerows(lines)
PY
    for how in '' --fit; do
        expect 3 "times $factor as long $how" comm --hardware h200 --check other.csv $how
        tells "times are in microseconds"
    done
done
printf 'op_name,nccl_dtype,num_gpus,message_size,latency_us\nall_gather,half,8,256,7\n' >gather.csv
expect 3 "constants of a collective" comm --hardware h200 --check gather.csv --fit
tells "no row to fit: constants are of exchange kernels"

refused() # CODE TITLE MESSAGE TEXT-OF-FILE
{
    printf '%b' "$4" >bad.csv
    expect "$1" "$2" comm --hardware h200 --check bad.csv
    tells "$3"
}
# A bandwidth is the time in which a rank's copies were moved, its own included: to ranks of one node, to nodes of several.
cat >rates.csv <<'END'
kernel,num_gpus,hidden_size,num_token,num_topk,num_experts,sms,dtype,dispatch_GBps,place
deepep_normal_2025_02,64,7168,4096,8,256,24,fp8,46,lab
deepep_normal_2025_02,64,7168,4096,8,256,12,fp8,46,lab
END
expect 0 "bandwidths" comm --hardware h800 --check rates.csv --rows -f json -o rates.json
check "are of SMs that rows give, and near what was measured" asserts rates.json '
abs(d["rows"][0]["measured"] / (4096 * 3.969 * 7392 / 46e9) - 1) < 0.01
abs(d["rows"][0]["bandwidth"] / 46e9 - 1) < 0.05
d["rows"][0]["bandwidth"] > 1.8 * d["rows"][1]["bandwidth"]
any("columns that nothing reads: place" in n for n in d["notes"])'
printf 'operation,num_gpus,size,latency_us\nall_reduce,8,33554432,200\n' >sizes.csv
expect 0 "collectives as the page has them" comm --hardware h100 --check sizes.csv --rows -f json -o sizes.json
printf 'op_name,num_gpus,message_size,nccl_dtype,latency_us\nall_reduce,8,16777216,half,200\n' >elements.csv
expect 0 "sizes in elements" comm --hardware h100 --check elements.csv --rows -f json -o elements.json
check "are bytes over the element's" python3 -c '
import json
a, b = (json.load(open(f))["rows"][0] for f in ("sizes.json", "elements.json"))
assert a["bytes"] == b["bytes"] == 2**25 and a["predicted"] == b["predicted"]'
# What no kernel does: end before a message is through, take less time for more tokens, or much more for more SMs.
python3 - >any.csv <<'PY'
print("kernel,num_gpus,hidden_size,num_token,num_topk,num_experts,sms,dtype,dispatch_us,combine_us")
many = ["deepep_normal", "deepep_normal_2025_02", "deepep_v2", "uccl"]
for kernel in many + ["deepep_low_latency", "deepep_low_latency_2025_02"]:
    for gpus in (8, 64):
        for tokens in (1, 2, 4, 128, 512, 1024):
            for sms in ((12, 24) if kernel in many else (24,)):
                print(kernel, gpus, 7168, tokens, 8, 256, sms, "fp8", 1, 1, sep=",")
PY
expect 0 "any size" comm --hardware h100 --check any.csv --rows -f json -o any.json
check "is plausible" python3 - <<'PY'
import json
time = {(r["what"], r["phase"], r["gpus"], r["sms"], r["tokens"]): r["predicted"] * 1e6 for r in json.load(open("any.json"))["rows"]}
for (kernel, phase, gpus, sms, tokens), us in time.items():
    assert us > 9, (kernel, phase, gpus, tokens, us)
    fewer = time.get((kernel, phase, gpus, sms, {2: 1, 4: 2, 512: 128, 1024: 512}.get(tokens)))
    assert not fewer or us > 0.98 * fewer, (kernel, phase, gpus, tokens, us, fewer)
    less = time.get((kernel, phase, gpus, 12, tokens))
    assert not less or us < 1.1 * less, (kernel, phase, gpus, tokens, us, less)
PY
# NCCL's all-to-all between nodes: a thread takes turns for all peers, a warp copies the first and the last step of a message.
printf 'operation,num_gpus,size,latency_us\nall_to_all,64,1024,1\nall_to_all,128,1024,1\nall_to_all,64,8388608,338\n' >peers.csv
expect 0 "an all-to-all between nodes" comm --hardware h800 --check peers.csv --rows -f json -o peers.json
check "waits for its proxy, and for steps that are copied" python3 - <<'PY'
import json
few, many, large = (r["predicted"] for r in json.load(open("peers.json"))["rows"])
turns = 8 * (1 + 7 / 2) * 2 * 0.588e-6 # of 8 nodes more: a message for each, which 8 GPUs share, sent and received
assert abs((many - few) / turns - 1) < 0.02, (few, many, turns)
wire, step = 56 * 2**17 / 48.5e9, 2**16
first, last = 56 * step / 160e9, step / (4096 / 0.57e-6)
assert abs(large / (8.4e-6 + first + wire + 6.8e-6 + last) - 1) < 0.05, large
PY
# A few bytes wait for the network once a node in a ring, and at each level of a tree; NVLink is 0.8 us.
printf 'operation,num_gpus,size,latency_us\nall_gather,64,256,1\nreduce_scatter,64,256,1\nall_reduce,64,256,1\nall_reduce,64,1073741824,1\n' >rings.csv
expect 0 "rings over nodes" comm --hardware h100 --check rings.csv --rows -f json -o rings.json
check "pass on what they have" python3 - <<'PY'
import json
gather, scatter, small, large = (r["predicted"] for r in json.load(open("rings.json"))["rows"])
assert 90e-6 < gather < 160e-6 and gather == scatter, (gather, scatter)
assert small < gather and small > 60e-6, small
assert large < 13e-3, large
PY
# February's low-latency kernels use NICs inside a node, too.
printf 'kernel,num_gpus,hidden_size,num_token,num_topk,num_experts,dispatch_us,combine_us\ndeepep_low_latency_2025_02,8,7168,128,8,256,163,318\n' >nics.csv
expect 0 "a node by its NICs" comm --hardware h800 --check nics.csv --tolerance "2 %"
head=node_num,hidden_size,num_token,num_topk,num_experts,dispatch_us
refused 3 "no header" "no column of it is known" "1,2,3\n"
check "no header: one error" [ "$(grep -c error: err)" = 1 ]
refused 3 "no tokens" "no column num_token" "node_num,hidden_size,num_topk,num_experts,latency_us\n1,7168,8,256,1\n"
refused 3 "more nodes than a network has" ":2: error: 24000 endpoints" "$head\n3000,7168,1,8,256,1\n"
check "more nodes than a network has: the place once" [ "$(grep -o error: err | wc -l)" = 1 ]
refused 3 "no times" "no column latency_us" "node_num,hidden_size,num_token,num_topk,num_experts\n1,7168,1,8,256\n"
refused 3 "elements of what" "no column nccl_dtype" "op_name,num_gpus,message_size,latency_us\nall_reduce,8,1,1\n"
refused 3 "a word for a number" "bad.csv:2:8: error: num_token is a number, not 'many'" "$head\n1,7168,many,8,256,10\n"
refused 3 "not a number" "is a number, not 'nan'" "$head\n1,7168,1,8,256,nan\n"
refused 3 "a row cut short" "5 values in a file of 6 columns" "$head\n1,7168,1,8,256\n"
refused 3 "experts that do not divide" "bad.csv:2: error: deepep_low_latency: 250 experts do not divide among 8 GPUs" \
    "$head\n1,7168,1,8,250,10\n"
refused 3 "nothing below the header" "no rows below the header" "$head\n"
expect 3 "a kernel that stores over NVLink, between nodes" comm --hardware h200 --check "$rows" \
    -s cluster.ep_kernel.kernel=nvlink_one_sided
tells "joins the 8 GPUs of a node (cluster.node.gpus), not 32 GPUs on 4 nodes"
expect 3 "no such kernel" comm --hardware h200 -s cluster.ep_kernel.kernel=deepep
tells "unknown kernel 'deepep'"
expect 2 "a tolerance without rows" comm --tolerance "1 %"
tells "--tolerance needs rows"
expect 0 "a step of posting where NICs meet" run "$srcdir/scenarios/decode_ep144.yaml" -s sim.network=bound -s cluster.topology=mrft -s cluster.software.ibgda_step=9us
tells "warning: 'cluster.software.ibgda_step' changes nothing here: on topology mrft every NIC reaches every other"
expect 0 "and where they do not" run "$srcdir/scenarios/decode_ep144.yaml" -s sim.network=bound -s cluster.topology=mpft -s cluster.software.ibgda_step=9us
check "no warning" [ ! -s err ]
# Training exchanges tokens with any kernel for many of them; a replay with its trace's.
K=$srcdir/scenarios/train_step_2048_kernels.yaml
expect 0 "a step with HybridEP" run "$K" -s sim.network=bound -s train.chunks.samples=1 -s cluster.ep_kernel.kernel=hybrid_ep
says "exchanges by hybrid_ep (DeepEP's branch hybrid-ep"
expect 3 "a step with a kernel for few tokens" run "$K" -s cluster.ep_kernel.kernel=deepep_low_latency
tells "is for few tokens, not for training"
expect 3 "a replay with another kernel" run "$srcdir/scenarios/train_replay_h800.yaml" -s cluster.ep_kernel.kernel=hybrid_ep
tells "a replay exchanges tokens with deepep_normal_2025_02, as its trace did"
finish
