#!/bin/bash
# A result holds what it takes to get it again: build, input files, the whole scenario. TAP.
. "$srcdir/tests/cli.sh" || exit 1
S=$srcdir/scenarios
set_='-s collective.to=4KiB -s collective.topologies= -s cluster.topology=mpft'

expect 0 "a result" run "$S/fig6_latency_16gpu.yaml" $set_ -o result.json
check "it holds the scenario, with what -s gave" grep -qF 'to: {value: 4 KiB, source:' result.json
check "and the hash of every file that it read" grep -q '"file":.*configs/h800/nic.yaml' result.json
expect 0 "once more" reproduce result.json
says "reproduced:"
sed -i 's/to: {value: 4 KiB,/to: {value: 2 KiB,/' result.json
expect 1 "with another number in its scenario" reproduce result.json
says "not reproduced:"

# what options add to a result is added again
expect 0 "a result with more tables" run "$S/train_replay_h800.yaml" -s sim.network=bound --critical-path --detail -o path.json
expect 0 "once more, with them" reproduce path.json
expect 0 "a result of what if" run "$S/fig6_latency_16gpu.yaml" $set_ --what-if -o if.json
expect 0 "once more, with what if" reproduce if.json

# a proposal of the command line is in the scenario, too
expect 0 "a result with a proposal" run "$S/proposals/alltoall.yaml" --proposal low_latency_roce -o proposed.json
expect 0 "once more, with the proposal" reproduce proposed.json
says "reproduced:"

# an input that changed is named
cp "$S/../configs/networks/example.yaml" own.yaml
expect 0 "a network of one's own" run "$S/fig6_latency_16gpu.yaml" -s collective.to=4KiB -s collective.topologies= \
    -s cluster.topology=file -s cluster.network.file=own.yaml -s cluster.nodes=4 -s collective.gpus= -s collective.pxn=false -o own.json
echo '# changed' >>own.yaml
expect 0 "with a file that changed" reproduce own.json
says "input own.yaml is not the same file"

echo '{"metrics": {}}' >none.json
expect 3 "no result" reproduce none.json
tells "holds its scenario"
expect 4 "no file" reproduce nowhere.json
finish
