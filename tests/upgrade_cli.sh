#!/bin/bash
# validate --upgrade: scenarios of 0.1 as 0.2 reads them, comments kept. TAP.
. "$srcdir/tests/cli.sh"

# --- what is not read becomes a comment ------------------------------------------------------------
cat >old.yaml <<'END'
# a scenario of 0.1
kind: inference   # decoding
hardware: h800
model: deepseek_v3
cluster: {nodes: 4, topology: mrft, packet: {buffer: 3 MB}, faults: {down: nic 0, lasts: 1 s}}
sim: {network: bound, epsilon: 0.01}
expert_load:
  # even
  cv: {value: 0.5, source: "x"}  # of no use
  exponent: 0.7
inference:
  decode:
    batch: 8
  # a prompt
  prefill: {tokens: 4096}
END
cat >new.yaml <<'END'
# a scenario of 0.1
kind: inference   # decoding
hardware: h800
model: deepseek_v3
# 'packet: {buffer: 3 MB}' is not read any more: 'sim.network' is bound
# 'faults: {down: nic 0, lasts: 1 s}' is not read any more: 'sim.network' is bound
cluster: {nodes: 4, topology: mrft}
# 'epsilon: 0.01' is not read any more: 'sim.network' is bound
sim: {network: bound}
# not read any more: 'expert_load.skew' is even
# expert_load:
#   # even
#   cv: {value: 0.5, source: "x"}  # of no use
#   exponent: 0.7
inference:
  decode:
    batch: 8
  # a prompt
  # not read any more: 'inference.phase' is decode
  # prefill: {tokens: 4096}
END
expect 3 "it is refused as it is" validate old.yaml
cp old.yaml work.yaml
expect 0 "upgrade" validate --upgrade work.yaml
says "work.yaml:5: 'cluster.packet' is left out: 'sim.network' is bound"
check "comments stay, what is not read becomes one" diff new.yaml work.yaml
expect 0 "it is valid" validate work.yaml
expect 0 "once more" validate --upgrade work.yaml
says "work.yaml: nothing to change"

# --- tables and values that a kind does not read ---------------------------------------------------
printf 'kind: gemm\nhardware: h800\ncluster:\n  nodes: 1\n  topology: nvswitch\ngemm: {m: 64, n: 64, k: 128}\n' >gemm.yaml
expect 0 "a table of which nothing is read" validate --upgrade gemm.yaml
check "goes as a whole" grep -qx '#   topology: nvswitch' gemm.yaml
expect 0 "and it runs" run gemm.yaml

# --- what a person must decide ---------------------------------------------------------------------
sed 's/batch: 8/batch: 9/' old.yaml >odd.yaml
cp odd.yaml work.yaml
expect 3 "a mistake of another kind" validate --upgrade work.yaml
tells "do not divide into two micro-batches"
check "the file stays as it was" cmp odd.yaml work.yaml
expect 4 "no file" validate --upgrade none.yaml
expect 2 "with -s" validate --upgrade work.yaml -s sim.seed=2
finish
