#!/bin/bash
# Whole scenarios over network flow, exact, and over SimGrid's own model: every number of their results within 1e-6. TAP.
. "$srcdir/tests/cli.sh" || exit 1
S=$srcdir/scenarios

same() { # TITLE SCENARIO -s...
    local title=$1 file=$2
    shift 2
    expect 0 "$title over flow" run "$file" -o flow.json -s sim.network=flow -s sim.epsilon=0 "$@"
    expect 0 "$title over cm02" run "$file" -o cm02.json -s sim.network=cm02 "$@"
    expect 0 "$title: the same" compare flow.json cm02.json -t 1e-6
}

same "exchanges and their steps (tpot_bound)" "$srcdir/tests/data/sweep_bound.yaml" -s cluster.nodes=2
same "decoding" "$S/decode_ep144.yaml" -s cluster.nodes=2 -s inference.simulate_layers=2 -s inference.decode.batch=8 \
    -s expert_load.redundant=0
same "prefill" "$S/prefill_ep32.yaml" -s inference.simulate_layers=2 -s inference.prefill.tokens=2048 \
    -s inference.prefill.prompt=2048
same "a replayed training trace" "$S/train_replay_h800.yaml"
same "a collective" "$S/fig6_latency_16gpu.yaml" -s 'collective.from=1 MiB' -s 'collective.to=1 MiB'
same "jobs that share planes" "$S/plane_isolation.yaml"
finish
