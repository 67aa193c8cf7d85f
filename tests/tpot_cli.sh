#!/bin/bash
# Kind tpot_bound: the paper's numbers to the digit, the simulator's agreement with them, refusals. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios
value() { # FILE NAME FORMAT
    python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))["metrics"]
print(sys.argv[3] % (m[sys.argv[2]]["value"] * float(sys.argv[4])))' "$@"
}
cell() { # FILE ROW COLUMN
    python3 -c 'import json, sys
t = json.load(open(sys.argv[1]))["tables"][0]
row = t["rows"][int(sys.argv[2])]
column = [c["name"] for c in t["columns"]].index(sys.argv[3])
print("%.9g" % (row[sys.argv[3]] if isinstance(row, dict) else row[column]))' "$@"
}

expect 0 "H800" run "$S/tpot_bound_h800.yaml" -o h.json
check "120.96 us" [ "$(value h.json comm_time_bound %.2f 1e6)" = 120.96 ]
check "241.92 us" [ "$(value h.json layer_bound %.2f 1e6)" = 241.92 ]
check "14.76 ms" [ "$(value h.json tpot_bound %.2f 1e3)" = 14.76 ]
check "67 tokens/s, as the paper cuts it" [ "$(value h.json tokens_per_second_bound %d 1)" = 67 ]
check "links at line rate simulated are the bound" \
    python3 -c "assert abs($(cell h.json 1 comm_time) / $(cell h.json 0 comm_time) - 1) < 1e-6"
check "every step costs" python3 -c "
t = [$(for i in 1 2 3 4 5 6 7; do printf '%s, ' "$(cell h.json $i comm_time)"; done)]
assert all(b > a for a, b in zip(t, t[1:])), t"
check "computation closes the way to a decoding step" python3 -c "
t = [$(for i in 8 9 10 11 12 13 14; do printf '%s, ' "$(cell h.json $i tpot)"; done)]
assert all(b > a for a, b in zip(t[:5], t[1:6])), t
assert abs(t[6] / t[5] - 1) < 0.02, t
assert abs(t[6] / 0.0405 - 1) < 0.02, t"
expect 0 "hidden as it is" run "$S/tpot_bound_h800.yaml" -s tpot.hidden_rounding=exact \
    -s tpot.bridge=false -o e.json
check "123.9 us" [ "$(value e.json comm_time_bound %.1f 1e6)" = 123.9 ]

expect 0 "NVL72" run "$S/tpot_bound_nvl72.yaml" -o n.json
check "6.72 us" [ "$(value n.json comm_time_bound %.2f 1e6)" = 6.72 ]
check "0.82 ms" [ "$(value n.json tpot_bound %.2f 1e3)" = 0.82 ]
check "about 1,200 tokens/s" [ "$(value n.json tokens_per_second_bound %.0f 1)" = 1220 ]
expect 0 "twice the bandwidth" run "$S/tpot_bound_nvl72.yaml" -s cluster.node.nvlink_bandwidth='1800 GB/s' -o d.json
check "half the bound" [ "$(value d.json comm_time_bound %.2f 1e6)" = 3.36 ]

expect 0 "a NIC faster than its switch" run "$S/tpot_bound_h800.yaml" -s cluster.nic.bandwidth='800 Gb/s' -s tpot.bridge=false
says "behind it a switch port or PCIe lets through 50 GB/s"

expect 3 "another model's width" run "$S/tpot_bound_nvl72.yaml" -s tpot.hidden=5120
tells "hidden size is 7168"
expect 3 "experts of a token" run "$S/tpot_bound_nvl72.yaml" -s tpot.copies=8
tells "goes to 9 experts"
expect 3 "more experts than GPUs" run "$S/tpot_bound_h800.yaml" -s cluster.nodes=1 -s cluster.topology=nvswitch
tells "one each"
expect 3 "planes" run "$S/tpot_bound_h800.yaml" -s cluster.topology=mpft
tells "choose mrft"
finish
