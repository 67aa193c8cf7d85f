#!/bin/bash
# Profiles of several ranks of one run: read together, on one clock, replayed together. The job is played by
# make_ranks.py, which also says what has to come out. TAP.
. "$srcdir/tests/cli.sh" || exit 1
ranks() { # FOLDER CHANGE...
    python3 "$srcdir/tests/make_ranks.py" "$@" >"$1.truth.json"
}
cat >replay.yaml <<'END'
name: replay
kind: train_replay
hardware: h800
cluster: {nodes: 2, topology: ft2, node: {gpus: 2}, nic: {per_node: 2}}
replay: {trace: job.trace.json, comm: recorded}
END
# holds TITLE: python lines over `run` (the last result), `truth` and `ranks` (its table) hold
holds() {
    check "$last: $1" python3 - <<END
import json
run, truth = json.load(open('out')), json.load(open('job.truth.json'))
ranks = [t for t in run['tables'] if t['name'] == 'ranks'][0]['rows']
calls = {r['size']: r for r in [t for t in run['tables'] if t['name'] == 'collectives'][0]['rows']}
same = lambda a, b: abs(a - b) <= 1e-9 * abs(b) + 1e-12
$(cat)
END
}

# --- read together ------------------------------------------------------------------------------------------------
ranks job
expect 0 "four ranks of a folder" trace info job
says "4 of 4"
says "1             13         6          2.659          0.059       123456.0            0.0  NVIDIA H800"
says "3             13         6          2.639          0.179       900000.0            0.0  NVIDIA H800"
says "all_reduce                    8        2          1048576           40.0"
says "all_reduce                    4        2         33554432          900.0"
silent_on_stderr
expect 0 "import" trace import job -o job.trace.json
expect 0 "import in another order" trace import job/rank-3.json job/rank-1.json job/rank-0.json job/rank-2.json -o again.json
check "$last: gives the same" cmp job.trace.json again.json
expect 0 "what was imported, imported" trace import job.trace.json -o again.json
check "$last: gives the same" cmp job.trace.json again.json
expect 0 "one rank of it" trace import job.trace.json --rank 2 -o two.trace.json
expect 0 "one rank of it is a trace" trace info two.trace.json
says "2 of 4"
expect 3 "several ranks where one is wanted" run "$srcdir/scenarios/train_step_2048.yaml" \
    -s train.chunks.trace=job.trace.json
tells "holds the traces of 4 ranks"
for change in unnumbered no-rank; do
    ranks job $change
    expect 0 "$change" trace info job
    says "3             13         6          2.639          0.179       900000.0            0.0  NVIDIA H800"
    [ $change = unnumbered ] || tells "taken from the file's name: 3"
done
ranks job shifted
expect 0 "a profile that begins later" trace info job
says "2             11         5          2.490          0.015        -5000.0            0.0  NVIDIA H800"

# --- replayed together --------------------------------------------------------------------------------------------
ranks job
for comm in recorded simulated; do
    expect 0 "to themselves, $comm" run replay.yaml -s replay.comm=$comm --json
    holds "every rank as it was" <<'END'
assert all(same(r['makespan'], truth['makespan'][r['rank']]) for r in ranks), ranks
assert all(same(r['waiting'], truth['waiting'][r['rank']]) for r in ranks), ranks
assert same(run['metrics']['job_makespan']['value'], truth['job'])
END
done
expect 0 "half the rate of NICs" run replay.yaml -s replay.comm=simulated -s cluster.nic.bandwidth='25 GB/s' --json
cp out half.json
holds "the calls between nodes take longer, those inside of nodes do not" <<'END'
was, now = calls[1 << 20], calls[32 << 20]
assert same(was['time'], was['recorded']), was
more_s = now['time'] - now['recorded']
assert 0.9 * now['transfer'] / 2 < more_s < 1.1 * now['transfer'] / 2, now
assert same(run['metrics']['job_makespan']['value'], truth['job'] + 2 * more_s)
END
# what a job of half the FLOP/s would have recorded: who waits for whom, and how long, comes out of the ranks' own times
ranks half half-speed
mv half.truth.json job.truth.json
expect 0 "half the FLOP/s" run replay.yaml -s cluster.chip.bf16='494.5 TFLOPS' -s replay.times=moved --json
holds "every rank as that job's" <<'END'
assert all(abs(r['makespan'] - truth['makespan'][r['rank']]) < 1e-9 for r in ranks), (ranks, truth)
assert all(abs(r['waiting'] - truth['waiting'][r['rank']]) < 1e-9 for r in ranks), (ranks, truth)
END

# --- what does not belong together --------------------------------------------------------------------------------
refused() { # CHANGE WORDS
    ranks job $1
    expect 3 "refused: $1" trace info job
    tells "$2"
}
refused groupless "do not say which ranks take part in a call"
refused other-run "this is no rank of the same run"
refused other-size "these are not ranks of one run"
refused mixed-world "of a run of 8 ranks, the others are of 4"
ranks job
cp job/rank-1.json job/rank-9.json
expect 3 "a rank twice" trace info job
tells "rank 1 is in job/rank-1.json, too"
rm job/rank-9.json
head -c 3000 job/rank-2.json >job/rank-3.json
expect 3 "a file that was cut off" trace import job -o no.json
tells "job/rank-3.json:1:3001: error: unexpected end of file"
check "$last: leaves nothing" [ ! -e no.json ]
rm job/rank-[23].json
echo "notes" >job/README
expect 0 "two ranks, and a file that is no trace" trace import job -o job.trace.json
tells "job/README: warning: this is no trace; left out"
expect 0 "two ranks of four" run replay.yaml --json
check "$last: says who is missing" grep -q '2 of 4 ranks are recorded' out
mkdir nothing
expect 3 "an empty folder" trace info nothing
tells "no file in this folder is a trace"
expect 2 "a rank that is not there" trace info job --rank 7
tells "there is no trace of this rank among the 2"
expect 3 "too few GPUs" run replay.yaml -s cluster.nodes=1 -s cluster.node.gpus=1 -s cluster.nic.per_node=1
tells "there is a trace of rank 1 but the cluster has 1 GPUs"
finish
