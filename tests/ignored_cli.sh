#!/bin/bash
# What is written on a command line is used or refused: options that another option, or the input, makes idle. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios

idle() { # MESSAGE ARGS...
    local message=$1
    shift
    expect 2 "$*" "$@"
    tells "$message"
}
touch a.csv
idle "--leave-out is about --check and --fit" kernels --leave-out 3
idle "--tolerance is about --check" kernels --tolerance 0.1
idle "--tolerance is about --check" kernels --fit a.csv --chip x --source a --conditions b -o y --tolerance 0.1
idle "one of --check, --fit and --list" kernels --check --fit a.csv
idle "--chip is about --fit" kernels --check a.csv --chip x
idle "--family is about --check and --fit" kernels gemm_fp8 --family gemm
idle "--format json is about" kernels --list -f json
idle "a number such as --m is about one kernel" kernels --check a.csv --m 3
idle "either --fit or --tolerance" comm --check a.csv --fit --tolerance '10 %'
idle "--topology is about --check" comm --topology mrft
idle "--format json is about --check" comm -f json
idle "--list lists the formats" formats --list --seed 3
idle "--seed is about drawn numbers" formats --file a.csv --seed 3
idle "--critical-path: nothing was simulated" run "$S/edge_single_user.yaml" --critical-path
idle "--tolerance is a share above 0" comm --check a.csv --tolerance -1
idle "--gpus belongs to 'fabric import'" fabric info a.csv --gpus 8
idle "--no-routes belongs to 'fabric import'" fabric info a.csv --no-routes
idle "--tolerance is a share above 0" reproduce a.csv -t -1
idle "--tolerance: '5' is 5 times the value; write '5 %'" reproduce a.csv -t 5
idle "--tolerance: '8' is 8 times the value; write '8 %'" comm --check a.csv --tolerance 8
idle "write --timeline FILE.json, too" run "$S/tpot_bound_h800.yaml" --timeline-ranks 0
idle "one of --json, --detail and --explain" run "$S/tpot_bound_h800.yaml" --json --detail
idle "one of --json, --detail and --format" claims --json --detail
idle "--prices is about --cost" topo mrft --prices "$srcdir/configs/prices.yaml"
idle "leave out --cost" topo --table3 --cost
idle "one table at a time" model --table1 --table2
idle "--all is about what is printed" compare a.csv a.csv --all --json
idle "either --json, which is printed, or -o" compare a.csv a.csv -o b.json --json
idle "either --json, which is printed, or -o" pareto a.csv --min x -o b.json --json
idle "either --json, which is printed, or -o" sensitivity a.csv -o b.json --json
idle "--dry-run runs nothing" sweep "$S/tpot_bound_h800.yaml" --dry-run -a tpot.tokens=1 -o x.sqlite
(cat "$srcdir/tests/data/sweep_bound.yaml"; printf 'sweep:\n  axes:\n    tpot.tokens: [1, 2]\n') >sweep.yaml
idle "--proposal is about scenarios" validate sweep.yaml --proposal node_limited
expect 3 "requests.first above the file's" validate "$S/serving_disaggregated.yaml" -s serving.requests.first=100000 \
    -s serving.requests.file=configs/requests/example.csv
[ "$(grep -c error: err)" = 0 ] && expect 3 "requests.first above the file's, run" run "$S/serving_disaggregated.yaml" \
    -s serving.requests.first=100000 -s serving.requests.file=configs/requests/example.csv
tells "serving.requests.first=100000: error:"
check "keys that one option lets rest are one warning" [ "$(grep -c warning: err)" = 1 ]
expect 3 "none and others" validate "$S/train_step_2048.yaml" -s train.recompute=full,none
tells "none computes nothing again"
expect 4 "a placement that is not there" validate "$S/train_step_2048.yaml" -s train.placement.file=none
tells "there is no file 'none'"

# all outputs or none
expect 4 "two outputs, one of them in no folder" run "$srcdir/tests/data/sweep_bound.yaml" -o a.json -o none/b.csv
check "the other is not there" [ ! -e a.json ]

# names of keys: what other programs call them; nothing where none is near
hint() { # KEY HINT
    expect 3 "hint for $1" validate "$S/train_step_2048.yaml" -s "$1=2"
    check "hint for $1: $2" [ "$(grep -c "unknown key '$1'$2\$" err)" = 1 ]
}
hint train.vpp "; did you mean 'train.virtual_stages'?"
hint cluster.noods "; did you mean 'cluster.nodes'?"
hint decode.batch "; did you mean 'inference.decode.batch'?"
hint cluster.nic.speed ""
hint foo.bar ""
hint train.experts ""
finish
