#!/bin/sh
# A run that ends before it is done keeps its finished parts, and --resume goes on with them to the same bytes. What ends it
# here is a second result that cannot be written.
. "${srcdir:-.}/tests/cli.sh"

S=$srcdir/scenarios/train_step_2048.yaml
study="-s train.topologies=mpft,mrft -s cluster.nodes=4 -s train.layers= -s train.pp=2 -s train.ep=8 -s train.sequences=64 -s llm.layers=8
       -s llm.mtp_layers=0 -s llm.moe.routed=64 -s llm.moe.groups=1 -s llm.moe.top_groups=1 -s train.chunks.samples=2"

expect 0 "undisturbed" run "$S" $study -o whole.json
check "leaves nothing beside its result" test ! -e whole.json.part
expect 4 "interrupted" run "$S" $study -o a.json -o nowhere/a.json
check "finished parts are there, no result" test -s a.json.part -a ! -e a.json
cp a.json.part kept
expect 3 "another seed" run "$S" $study -s sim.seed=2 -o a.json --resume
tells "is of another run"
expect 3 "one option more" run "$S" $study --critical-path -o a.json --resume
tells "leave --resume out to start anew"
expect 0 "resumed" run "$S" $study -o a.json --resume
check "some parts were taken over" grep -q "[1-9][0-9]* finished parts were taken over" err
check "the bytes of an undisturbed run" cmp a.json whole.json
check "and nothing beside them" test ! -e a.json.part

# cut off in the middle of a part
head -c 600 kept >b.json.part
expect 0 "resumed without a whole part" run "$S" $study -o b.json --resume
tells "0 finished parts were taken over"
check "the same bytes" cmp b.json whole.json
# a part whose bytes have changed
printf 'x' | dd of=kept bs=1 seek=400 conv=notrunc 2>/dev/null
cp kept b.json.part
expect 0 "resumed with a damaged part" run "$S" $study -o b.json --resume
tells "0 finished parts were taken over"
check "the same bytes again" cmp b.json whole.json

# what lies under that name and is not ours stays as it is
tiny="-s collective.topologies= -s cluster.topology=mpft -s collective.from=4MiB -s collective.to=4MiB"
F=$srcdir/scenarios/fig6_latency_16gpu.yaml
echo "my notes" >c.json.part
expect 4 "a user's file of that name" run "$F" $tiny -o c.json
tells "this is no file of such parts; move it away, or give -o another name"
check "has stayed" grep -qx "my notes" c.json.part
expect 4 "and is not resumed" run "$F" $tiny -o c.json --resume
tells "this is no file of such parts"
cp "$F" f.json.part
expect 4 "the scenario itself" run f.json.part $tiny -o f.json
check "has stayed" cmp f.json.part "$F"
head -c 80 kept >target
cp target before
ln -s target d.json.part
expect 4 "a link" run "$F" $tiny -o d.json
tells "this is a link"
check "leads where it led, to what it led to" test -L d.json.part
check "the same bytes are there" cmp target before
if python3 -c 'import fcntl' 2>/dev/null; then
    cp target e.json.part
    hold='import fcntl, subprocess, sys
f = open("e.json.part", "r+b")
fcntl.lockf(f, fcntl.LOCK_EX)
sys.exit(subprocess.call(sys.argv[1:], stderr=open("err", "w")))'
    python3 -c "$hold" "$MOESIM" run "$F" $tiny -o e.json >out
    check "a run beside another one of the same result ends with 4" test $? = 4
    check "and says what to do" grep -q "another run with the same -o is under way; wait for it" err
    check "and leaves the other's parts" cmp e.json.part before
fi
cp target e.json.part
expect 0 "parts that an ended run has left are forgotten without --resume" run "$F" $tiny -o e.json
check "and removed" test ! -e e.json.part

# variants of --what-if
T=$srcdir/scenarios/fig6_latency_16gpu.yaml
small="-s collective.topologies= -s cluster.topology=mpft -s collective.from=4MiB -s collective.to=4MiB --what-if"
expect 0 "variants" run "$T" $small -o w.json
expect 4 "variants, interrupted" run "$T" $small -o v.json -o nowhere/v.json
expect 0 "variants, resumed" run "$T" $small -o v.json --resume
check "some parts were taken over" grep -q "[1-9][0-9]* finished parts were taken over" err
check "the same table" cmp w.json v.json

expect 2 "resume of what is not kept" run "$T" --resume
tells "name it with -o"
finish
