#!/bin/bash
# Chakra execution traces: written, read back and replayed to the same makespan; several ranks; damaged ones are told. TAP.
. "$srcdir/tests/cli.sh"
train=$srcdir/traces/deepseek_v3_train.trace.json

expect 0 "our training trace" trace import "$train" -o ours.json
expect 0 "written as Chakra" trace import "$train" -o train.et
tells "36 kernels of 113.4 ms communicate, but the trace does not say what they carry: they are written as computation"
expect 0 "read back" trace import train.et -o back.json
silent_on_stderr
expect 3 "replayed before it is imported" run "$srcdir/scenarios/train_replay_h800.yaml" -s replay.trace=train.et
tells "imported first: moesim trace import train.et -o OUT.trace.json"
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

mkdir -p part/all.1.et
expect 4 "a rank's file that cannot be written" trace import rank-0.json rank-1.json -o part/all.et
check "no other rank's file is left" [ "$(ls -A part)" = all.1.et ]
expect 0 "names of several files" trace import rank-0.json rank-1.json -o named.et
says "written: named.1.et"
mkdir ranks && cp rank-0.json ranks && : >ranks/rank-1.json
expect 3 "an empty rank" trace info ranks
tells "ranks/rank-1.json: error: this is no trace but empty, though its name says a rank"
expect 2 "classes for what has them" trace info ours.json -c "$srcdir/configs/trace_classes.yaml"

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

# as PyTorch's converter writes them: operations of the CPU issue kernels, times are microseconds
expect 0 "of PyTorch" trace info "$srcdir/tests/data/fabric/recorded.et"
says "kernels and copies 3"
says "makespan           0.140 ms"
says "all_reduce"
tells "1 nodes are operations of the CPU"
expect 3 "a circle" trace info "$srcdir/tests/data/fabric/circle.et"
tells "2 nodes wait for each other in a circle"

# Nsight Systems' export, by its documented schema
if python3 -c 'import sqlite3' 2>/dev/null; then
    python3 - <<'END'
import sqlite3
sql = """
CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO StringIds VALUES (1, 'ampere_bf16_s16816gemm_128x128'), (2, 'cudaLaunchKernel_v7000'),
  (3, 'ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)');
CREATE TABLE TARGET_INFO_GPU (id INT, name TEXT, cuDevice INT, smCount INT);
INSERT INTO TARGET_INFO_GPU VALUES (0, 'NVIDIA A100-SXM4-80GB', 0, 108);
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INT, end INT, deviceId INT, contextId INT, streamId INT, correlationId INT,
  globalPid INT, demangledName INT, shortName INT, gridX INT, gridY INT, gridZ INT, blockX INT, blockY INT, blockZ INT,
  registersPerThread INT, staticSharedMemory INT, dynamicSharedMemory INT);
INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1000000, 1100000, 0, 1, 7, 11, 1, 1, 1, 64, 8, 1, 256, 1, 1, 128, 0, 65536),
  (1120000, 1200000, 0, 1, 13, 12, 1, 3, 3, 24, 1, 1, 512, 1, 1, 96, 0, 0);
CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INT, end INT, globalTid INT, correlationId INT, nameId INT, returnValue INT);
INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (900000, 905000, 1, 11, 2, 0), (1118000, 1119000, 1, 12, 2, 0);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start INT, end INT, deviceId INT, contextId INT, streamId INT, correlationId INT, bytes INT);
INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (1210000, 1220000, 0, 1, 7, 13, 4096);
"""
open('sql', 'w').write(sql)
sqlite3.connect('run.sqlite').executescript(sql)
sqlite3.connect('empty.sqlite').executescript('CREATE TABLE other (x INT);')
END
    expect 0 "Nsight Systems" trace info run.sqlite
    says "kernels and copies 3"
    says "makespan           0.220 ms"
    says "NVIDIA A100-SXM4-80GB"
    says "not validated"
    tells "unvalidated: no recording was at hand"
    python3 -c "
import sqlite3
db = sqlite3.connect('late.sqlite')
db.executescript(open('sql').read() + 'UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = -5 WHERE start = 1120000;')"
    expect 3 "a time below 0" trace info late.sqlite
    tells "late.sqlite: error: CUPTI_ACTIVITY_KIND_KERNEL: a row from -5 to 1200000 ns"
    expect 3 "another database" trace info empty.sqlite
    tells "it holds no kernels (CUPTI_ACTIVITY_KIND_KERNEL)"
    head -c 5000 run.sqlite >cut.sqlite
    expect 3 "a database that was cut off" trace info cut.sqlite
    tells "cut.sqlite: error:"
else
    skip "Nsight Systems" "no python3"
fi
finish
