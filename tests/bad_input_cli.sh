#!/bin/bash
# Bad input through the command line: each is told with its place and ends with its own exit code
# (2 usage, 3 bad input, 4 cannot read or write), and leaves no file behind. TAP.
. "$srcdir/tests/cli.sh"

# A good scenario, one key a line; the cases below change a line.
cat >good.yaml <<'END'
kind: train_replay
hardware: h800
cluster:
  nodes: 8
  topology: mpft
  nic:
    bandwidth: 50 GB/s
replay:
  trace: own.trace.json
sim:
  epsilon: 0
END
echo '{}' >own.trace.json
touch out err
expect 0 "the scenario that is spoiled below is good" validate good.yaml

# refused CODE TITLE PLACE WORDS: validate bad.yaml; nothing but the message comes of it.
refused() {
    ls -A >before
    expect "$1" "$2" validate bad.yaml
    tells "bad.yaml$3error: "
    tells "$4"
    nothing_left
}

nothing_left() {
    ls -A >after
    check "$last: no file is left behind, no result printed" cmp before after
    check "$last: no sanitizer report" bash -c '! grep -E "Sanitizer|runtime error" err'
}

spoil() { # SED-SCRIPT
    sed "$1" good.yaml >bad.yaml
}
touch after before bad.yaml

spoil '4s/nodes/noods/'
refused 3 "unknown key" ":4:3: " "did you mean 'nodes'?"
spoil '7s/50 GB/50 us/'
sed -i '7s/us.s/us/' bad.yaml
refused 3 "wrong unit" ":7:16: " "cluster.nic.bandwidth"
spoil '7s/50 GB.s/50/'
refused 3 "missing unit" ":7:16: " "write for example"
spoil '7s/50/-50/'
refused 3 "negative bandwidth" ":7:16: " "cluster.nic.bandwidth"
spoil '7s/50 GB.s/1e999 GB\/s/'
refused 3 "infinite bandwidth" ":7:16: " "cluster.nic.bandwidth"
spoil '11s/0/0.5/'
refused 3 "out of range" ":11:12: " "sim.epsilon"
spoil '4s/8/eight/'
refused 3 "a word where a number is wanted" ":4:10: " "cluster.nodes"
spoil '4s/8/99999999999999999999/'
refused 3 "a number that does not fit" ":4:10: " "cluster.nodes"
spoil '5a\  nodes: 4'
refused 3 "duplicate key" ":6:3: " "duplicate key 'nodes'"
spoil '2s/h800/h8000/'
refused 3 "unknown hardware" ":2:11: " "did you mean 'h800'?"
spoil '5s/mpft/mpff/'
refused 3 "unknown topology" ":5:13: " "did you mean 'mpft'?"
spoil '1s/train/trian/'
refused 3 "unknown kind" ":1:7: " "did you mean 'train_replay'?"
spoil '1s/train/trian/;5d'
refused 3 "unknown kind, and another key missing" ":1:7: " "did you mean 'train_replay'?"
spoil '9s/own/none/'
refused 4 "a trace that is not there" ":9:10: " "there is no file 'none.trace.json'"
tells "'moesim list traces' lists those that are shipped"
spoil '2d'
refused 3 "missing hardware" ":1:1: " "hardware: h800"
spoil '5d'
refused 3 "missing topology" ":3:1: " "cluster.topology"
tells "write for example 'topology: mpft'"
spoil '3s/:/: [/'
refused 3 "broken YAML" ":5:11: " "syntax error"
spoil '4s/  nodes/\tnodes/'
refused 3 "a tab" ":4:1: " "indent with spaces"
printf 'kind: \xff\n' >bad.yaml
refused 3 "no UTF-8" ":1:7: " "UTF-8"
head -c 4000 /dev/zero >bad.yaml
refused 3 "zero bytes" ":1:1: " "NUL"
: >bad.yaml
refused 3 "a 0-byte file" ": " "empty (0 bytes)"
rm bad.yaml && mkdir bad.yaml
refused 4 "a directory" ": " "directory"
rmdir bad.yaml
refused 4 "a missing file" ": " "No such file"
cp good.yaml bad.yaml && chmod 000 bad.yaml
if [ -r bad.yaml ]; then
    skip "an unreadable file" "root reads everything"
else
    refused 4 "an unreadable file" ": " "Permission denied"
fi
chmod 600 bad.yaml

# Hardware files: the same words, the place in that file. A number there needs its source.
mkdir -p configs && cp -R "$srcdir/configs/h800" configs/mine && chmod -R u+w configs
sed '2s/h800/mine/' good.yaml >bad.yaml
expect 0 "hardware beside the scenario" validate bad.yaml
echo 'per_nod: 8' >>configs/mine/nic.yaml
expect 3 "unknown key in a hardware file" validate bad.yaml
tells "configs/mine/nic.yaml:"
tells "did you mean 'per_node'?"
sed '$d; s/^per_node:.*/per_node: 8/' configs/mine/nic.yaml >nic && mv nic configs/mine/nic.yaml
expect 3 "a number without a source in a hardware file" validate bad.yaml
tells "per_node has no source"
rm configs/mine/nic.yaml
expect 4 "a hardware file that is missing" validate bad.yaml
tells "configs/mine/nic.yaml: error: cannot open"

# --- -s -----------------------------------------------------------------------------------------
set_refused() { # CODE TITLE OPTION WORDS
    ls -A >before
    expect "$1" "$2" validate good.yaml -s "$3"
    tells "-s $3: error: "
    tells "$4"
    nothing_left
}
set_refused 2 "-s without a value" "cluster.nodes" "KEY=VALUE"
set_refused 3 "-s of an unknown key" "cluster.noods=8" "did you mean 'cluster.nodes'?"
set_refused 3 "-s with a wrong unit" "cluster.nic.bandwidth=3 us" "cluster.nic.bandwidth"
set_refused 3 "-s without a unit" "cluster.nic.bandwidth=50" "write for example"
set_refused 3 "-s out of range" "sim.epsilon=1" "sim.epsilon"
set_refused 3 "-s of a group" "cluster.nic=1" "is a group of keys"
set_refused 3 "-s of an unknown topology" "cluster.topology=mptf" "did you mean 'mpft'?"
set_refused 3 "-s of an unknown hardware" "hardware=h8000" "did you mean 'h800'?"
set_refused 3 "-s of the same hardware twice" "hardware=h800, roce, h800" "'h800' is given twice"
set_refused 5 "-s of many layers" "hardware=h800$(printf ', a%d' {1..40})" "more than 16 layers"
expect 2 "-s at the end of the line" validate good.yaml -s
expect 3 "several wrong -s" validate good.yaml -s a=1 -s cluster.nodes=x
tells "-s a=1: error: "
tells "-s cluster.nodes=x: error: "
expect 2 "a malformed -s is told once for two files" validate good.yaml good.yaml -s x
check "a malformed -s is told once for two files: once" [ "$(grep -c error: err)" = 1 ]

# --- runs that would take hours, each key in its range --------------------------------------------
expect 5 "an estimate of events" validate "$srcdir/scenarios/reliability_2048.yaml" -s reliability.replicas=100000
tells "events would take about"
tells "10 min are the limit: lower reliability.replicas"
expect 5 "an estimate of tokens" validate "$srcdir/scenarios/eplb_decode_ep144.yaml" -s expert_balance.tokens=1000000 \
    -s expert_balance.sampled_layers=58
tells "tokens to route would take about"
expect 0 "what takes seconds is none" validate "$srcdir/scenarios/eplb_decode_ep144.yaml" -s expert_balance.tokens=10000

# --- standard output ----------------------------------------------------------------------------
for command in "schema" "list networks" "validate good.yaml" "validate --print good.yaml"; do
    "$MOESIM" $command >/dev/full 2>err
    check "$command: a full disk" [ $? = 4 ]
    check "$command: a full disk: message" grep -q 'standard output: error: ' err
done
finish
