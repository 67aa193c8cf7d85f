#!/bin/bash
# Replays of small profiles as users have them: collectives, waits, GPUs and kernels that overlap. What each must come
# to was worked out by hand from its times. TAP.
. "$srcdir/tests/cli.sh" || exit 1
profiles=$srcdir/tests/data/profiles
cat >replay.yaml <<'END'
name: replay
kind: train_replay
hardware: h800
cluster: {nodes: 1, topology: ft2}
replay: {trace: NAME.trace.json, comm: recorded}
END

# replay TITLE NAME ARGS...: imports a profile and replays it
replay() {
    local title=$1 name=$2
    shift 2
    "$MOESIM" trace import "$profiles/$name.json" -o "$name.trace.json" 2>import_err || not_ok "$title: import" "$(cat import_err)"
    expect 0 "$title" run replay.yaml -s replay.trace="$name.trace.json" "$@" --json
}

# holds METRIC VALUE...: of the last replay, to a millionth; "recorded" behind a metric: the trace's own value
holds() {
    check "$last: $*" python3 - "$@" <<'END'
import json, sys
metrics = json.load(open('out'))['metrics']
for name, want in zip(sys.argv[1::2], sys.argv[2::2]):
    key = 'recorded' if name.endswith('.recorded') else 'value'
    is_ = metrics[name.split('.')[0]][key]
    assert abs(is_ - float(want)) <= 1e-6 * abs(float(want)) + 1e-15, f'{name} is {is_}, wanted {want}'
END
}

# row CALL COLUMN=VALUE...: a row of the table of collectives, numbers to a thousandth
row() {
    check "$last: collective $*" python3 - "$@" <<'END'
import json, sys
table = [t for t in json.load(open('out'))['tables'] if t['name'] == 'collectives'][0]
rows = [r for r in table['rows'] if r['call'] == sys.argv[1]]
assert rows, [r['call'] for r in table['rows']]
for want in sys.argv[2:]:
    key, value = want.split('=', 1)
    if key == 'how':
        assert value in rows[0][key], rows[0][key]
    else:
        assert abs(rows[0][key] - float(value)) <= 1e-3 * float(value), (key, rows[0][key])
END
}

# --- communication ----------------------------------------------------------------------------------------------
replay "a collective on its own stream" nccl_own_stream
holds makespan 800e-6 comm_active 600e-6 compute_active 400e-6 both_active 200e-6
check "an A100's times are kept on an H800, and that is said" grep -q 'kernels keep the times that they had on NVIDIA A100' out
expect 0 "a collective among 900 kernels" trace info "$profiles/nccl_same_stream.json"
says "compute                        10"
check "$last: no stream is communication" bash -c '! sed -n "/^stream/,/^$/p" out | grep -q communication'
replay "a collective on the stream that computes" nccl_same_stream
holds comm_active 10e-6 compute_active 810e-6

replay "an all-reduce, recorded" nccl_all_reduce_of_16 -s cluster.nodes=8 -s cluster.topology=mpft
holds comm_active 2e-3 compute_active 1.1e-3 both_active 0.5e-3 exposed_comm 1.5e-3 makespan 2.7e-3

# the same transfer as kind collective says; the rest of the recorded time is waiting, on a slower network, too
cat >collective.yaml <<'END'
name: all_reduce
kind: collective
hardware: h800
cluster: {nodes: 8, topology: mpft}
collective: {operation: all_reduce, group: 16, from: 128 MiB, to: 128 MiB}
END
for rate in 400 50; do
    expect 0 "kind collective at $rate Gb/s" run collective.yaml -s cluster.nic.bandwidth="$rate Gb/s" --json
    time_s=$(python3 -c "import json; print(json.load(open('out'))['tables'][0]['rows'][0]['time'])")
    [ $rate = 400 ] && waiting_s=$(python3 -c "print(2e-3 - $time_s)")
    replay "an all-reduce, simulated at $rate Gb/s" nccl_all_reduce_of_16 -s cluster.nodes=8 -s cluster.topology=mpft \
        -s replay.comm=simulated -s cluster.nic.bandwidth="$rate Gb/s"
    row all_reduce ranks=16 size=134217728 recorded=2e-3 transfer="$time_s" waiting="$waiting_s" how=simulated
    holds comm_active "$(python3 -c "print($time_s + $waiting_s)")"
done
check "50 Gb/s takes longer" python3 -c "assert $time_s > 3 * (2e-3 - $waiting_s)"

on_h100="-s replay.recorded_on.bf16=989TFLOPS -s replay.recorded_on.fp8=1979TFLOPS"
on_h100="$on_h100 -s replay.recorded_on.memory_bandwidth=3.35TB/s"
for rate in 400 200; do
    replay "groups of 64 and 8 at $rate Gb/s" nccl_all_to_all_of_64 -s cluster.nodes=8 -s replay.comm=simulated \
        -s cluster.nic.bandwidth="$rate Gb/s" $on_h100
    row all_to_all ranks=64 size=33554432 count=4 how=simulated
    row all_reduce ranks=8 size=2097152 count=4 how="which ranks is assumed"
    python3 - $rate <<'END' >"times.$rate"
import json
rows = json.load(open('out'))['tables'][0]['rows']
print(*[r['transfer'] for r in rows])
END
done
check "half the NIC lengthens what crosses nodes, and only that" python3 - <<'END'
fast, slow = ([float(x) for x in open(f'times.{rate}').read().split()] for rate in (400, 200))
assert slow[0] > 1.7 * fast[0] and slow[1] == fast[1], (fast, slow)
END
check "a trace without waits says so" grep -q 'no waits between streams' out
sed 's/NVIDIA A100-SXM4-80GB/Chip 7/' nccl_own_stream.trace.json >chip7.trace.json
expect 3 "another chip's times are not moved without its numbers" run replay.yaml \
    -s replay.trace=chip7.trace.json -s replay.times=moved
tells "'Chip 7', of which configs/ has no numbers"
tells "replay.recorded_on"

replay "other makers' collectives" communication_by_other_names -s replay.comm=simulated -s cluster.nodes=8
holds comm_active.recorded 216e-6
row a2a_low_latency_dispatch recorded=25e-6 time=25e-6 how="how many tokens it moves is not in the trace"
row a2a_intranode_dispatch recorded=26e-6 time=26e-6 how="kept"
row custom_all_reduce recorded=21e-6 time=21e-6 how="kept"
row symmetric_memory count=2 how="kept"
# no default decides how many tokens a dispatch moved
holds makespan 828e-6
replay "a multicast all-reduce" multimem
holds comm_active 500e-6 compute_active 0

# --- what files say in other ways -------------------------------------------------------------------------------
expect 0 "arguments of collectives" trace info "$profiles/collective_arguments.json"
says "all_gather                      1        0.010             8192  16 ranks (7)"
says "reduce_scatter                  1        0.010            16384  8 ranks"
says "all_reduce                      1        0.010              512  64 ranks"
says "all_reduce                      1        0.010          unknown  4 ranks (q)"
says "all_reduce                      1        0.010             8000  2 ranks (pp, which ones is unknown)"
says "all_reduce                      1        0.010             4096  unknown"
says "send                            1        0.010              200  2 ranks"
tells "1 collective is of the unknown dtype 'Quux'"
tells "1 all-to-all is without whole splits"
expect 0 "arguments in our own format" trace import "$profiles/collective_arguments.json" -o arguments.json
check "ranks out of a start and a stride" grep -q '{"name": "", "ranks": \[0, 2, 4, 6, .*, 126\]}' arguments.json
check "splits" grep -q '"splits": \[10, 20, 0, 10\]' arguments.json
check "a peer" grep -q '"operation": "send", "group": [0-9]*, "bytes": 200, "peer": 9' arguments.json
check "a number of a call" grep -q '"sequence": 3' arguments.json
cp arguments.json once.json
expect 0 "our own format" trace import once.json -o twice.json
check "comes back the same" cmp once.json twice.json

# --- kernels and waits ------------------------------------------------------------------------------------------
replay "kernels of a stream that overlap" pdl
holds makespan 410e-6 compute_active 410e-6
replay "kernels of as many blocks as SMs" grid_of_all_sms
holds makespan 690e-6
replay "the waiting stream is in the file" cuda_sync_wait
check "the third kernel waits for the first" grep -q '^  \[0, [0-9], null, 0, 300, .*, \[0\]\]' cuda_sync_wait.trace.json
replay "the recorded event is in the file" cuda_sync_record
check "the third kernel waits for the first, not the second" grep -q '915, .*, \[0\]\]' cuda_sync_record.trace.json
holds makespan 1015e-6
replay "a long float kernel, memory twice as fast" float_add -s cluster.chip.memory_bandwidth='6.7 TB/s'
holds makespan 500e-6
says '"moved_by":	"memory bandwidth"'

# --- profilers --------------------------------------------------------------------------------------------------
for name in rocm_grid rocm_device; do
    replay "$name" $name
    holds makespan 2.7e-3 comm_active 2e-3 both_active 0.5e-3
    check "$name: 304 SMs" grep -q '"sms": 304' $name.trace.json
done
check "a grid from the launching call" grep -q '\[132, 1, 1\], 132' rocm_grid.trace.json
replay "a kernel without a grid" rocm_no_grid
check "is told" grep -q '1 kernel has no grid' import_err
holds makespan 40e-6
replay "categories of an old profiler" old_categories
holds makespan 50e-6 compute_active 50e-6
finish
