#!/bin/bash
# Chakra execution traces: written, read back and replayed to the same makespan; several ranks; damaged ones are told. TAP.
. "$srcdir/tests/cli.sh"
train=$srcdir/traces/deepseek_v3_train.trace.json

expect 0 "our training trace" trace import "$train" -o ours.json
expect 0 "written as Chakra" trace import "$train" -o train.et
expect 0 "read back" trace import train.et -o back.json
silent_on_stderr
check "read back: the same trace" cmp ours.json back.json
makespan() { sed -n '/"makespan":/,/value/s/.*"value":[^0-9]*\([0-9.e-]*\).*/\1/p' "$1" | head -n 1; }
"$MOESIM" run "$srcdir/scenarios/train_replay_h800.yaml" --json >a.json 2>err
"$MOESIM" run "$srcdir/scenarios/train_replay_h800.yaml" -s replay.trace=back.json --json >b.json 2>err
check "the same makespan" [ -n "$(makespan a.json)" -a "$(makespan a.json)" = "$(makespan b.json)" ]
gzip -c train.et >train.et.gz
expect 0 "compressed" trace info train.et.gz
mv train.et any
expect 0 "under any name" import any
says "makespan           129.012 ms"

# several ranks
for rank in 0 1; do
    sed "s/\"rank\": [0-9]*/\"rank\": $rank/" ours.json >rank-$rank.json
done
expect 0 "two ranks" trace import rank-0.json rank-1.json -o run.et
check "two ranks: a file each" [ -s run.0.et -a -s run.1.et ]
expect 0 "two ranks, read back" trace info run.0.et run.1.et
says "ranks"

# damaged: each ends with a message
cut() { # TITLE BYTES CODE MESSAGE
    head -c "$2" any >cut.et
    expect "$3" "$1" trace info cut.et
    tells "$4"
}
cut "cut off in the middle" 100000 3 "was cut off"
cut "only the first byte" 1 3 "cut.et:1:1: error:"
cut "cut off in the metadata" 100 3 "was cut off"
head -c 5000 "$train" >text.et
expect 3 "a text under its name" trace info text.et
tells "text.et:"
finish
