#!/usr/bin/env python3
"""Kineto profiles of four ranks on two nodes of two GPUs, as a job of two steps writes them: rank-N.json in a folder.

The job is played by hand here: kernels of known length, an all-reduce of each node's two ranks (group tp) in the compute
stream, one of each rank with its peer on the other node (group dp) beside computation. A call begins when its last rank
arrives and takes as long as TRANSFER says; every host's clock is set differently. What comes out is printed as JSON.

make_ranks.py FOLDER [CHANGE...]; CHANGE: unnumbered (no Seq), groupless (no groups at all), other-run (rank 3 has other
times), shifted (rank 2's profile begins one call later), other-size (rank 1 calls with another size), no-rank (no
distributedInfo), mixed-world (rank 3 is of a job of 8), half-speed (kernels that compute take twice as long)."""
import json
import os
import sys

folder, changes = sys.argv[1], set(sys.argv[2:])
TRANSFER = {'tp': 40, 'dp': 900}
BYTES = {'tp': 1 << 20, 'dp': 32 << 20}
GEMM = 'sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas'
NCCL = 'ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)'
CLOCK = [0, 123456, -5000, 900000]
GROUPS = {'tp': [[0, 1], [2, 3]], 'dp': [[0, 2], [1, 3]]}
COMPUTE = {0: [100, 120, 90], 1: [130, 110, 95], 2: [105, 180, 70], 3: [99, 101, 103]}


def group_of(kind, rank):
    return next(g for g in GROUPS[kind] if rank in g)


def play():
    """[(rank, stream, name, kind, start, end, number)], kernels of all ranks on one clock."""
    done = []
    clock = {r: {7: 1000.0 + 10 * r, 20: 0.0} for r in range(4)}
    number = {(k, r): 0 for k in GROUPS for r in range(4)}

    def compute(rank, length):
        length *= 2 if 'half-speed' in changes else 1
        start = clock[rank][7] + 5
        clock[rank][7] = start + length
        done.append((rank, 7, GEMM, None, start, start + length, 0))

    def call(kind, stream):
        for group in GROUPS[kind]:
            arrive = {r: max(clock[r][7], clock[r][stream]) + 5 for r in group}
            end = max(arrive.values()) + TRANSFER[kind]
            for r in group:
                number[kind, r] += 1
                done.append((r, stream, NCCL, kind, arrive[r], end, number[kind, r]))
                clock[r][stream] = end

    for step in range(2):
        for i in range(2):
            for r in range(4):
                compute(r, COMPUTE[r][i] + (30 if step and r == 1 else 0))
            call('tp', 7)
        call('dp', 20)
        for r in range(4):
            compute(r, COMPUTE[r][2])
        for r in range(4):
            clock[r][7] = max(clock[r][7], clock[r][20])  # the next kernel waits for the gradients
    for r in range(4):
        compute(r, 50)
    return done


def waits(kernels, i):
    """The kernel of the other stream that kernel i waited for: gradients are there, or have been reduced."""
    before = [k for k in range(i) if kernels[k][1] != kernels[i][1]]
    if not before or (kernels[i][1] == 7 and i - before[-1] != 2):
        return None
    return before[-1]


def profile(rank, kernels):
    events, shift = [], CLOCK[rank]
    for i, (_, stream, name, kind, start, end, number) in enumerate(kernels):
        launch = {'ph': 'X', 'pid': 9, 'tid': 9, 'ts': start - 3 + shift, 'dur': 1}
        wait = waits(kernels, i)
        if wait is not None:
            events.append({**launch, 'cat': 'cuda_runtime', 'name': 'cudaStreamWaitEvent', 'ts': start - 4.5 + shift,
                           'args': {'correlation': 1000 + i}})
            events.append({**launch, 'cat': 'cuda_sync', 'name': 'Stream Wait Event', 'ts': start - 4.4 + shift,
                           'args': {'cuda_sync_kind': 'Stream Wait Event', 'stream': stream, 'correlation': 1000 + i,
                                    'wait_on_stream': kernels[wait][1], 'wait_on_cuda_event_record_corr_id': wait + 1,
                                    'wait_on_cuda_event_id': 19}})
        events.append({**launch, 'cat': 'cuda_runtime', 'name': 'cudaLaunchKernel', 'args': {'correlation': i + 1}})
        args = {'device': rank, 'stream': stream, 'correlation': i + 1, 'grid': [24 if kind else 100, 1, 1],
                'block': [512, 1, 1]}
        if kind and 'groupless' not in changes:
            n = BYTES[kind] // 2 // (2 if 'other-size' in changes and rank == 1 else 1)
            args |= {'Collective name': 'allreduce', 'In msg nelems': n, 'Out msg nelems': n, 'Group size': 2,
                     'dtype': 'BFloat16', 'In split size': '[]', 'Out split size': '[]', 'Process Group Name': kind,
                     'Process Group Ranks': str(group_of(kind, rank))}
            if 'unnumbered' not in changes:
                args['Seq'] = number
        events.append({'ph': 'X', 'cat': 'kernel', 'name': name, 'pid': rank, 'tid': stream, 'ts': start + shift,
                       'dur': end - start, 'args': args})
    info = {'rank': rank, 'world_size': 8 if 'mixed-world' in changes and rank == 3 else 4}
    device = {'id': rank, 'name': 'NVIDIA H800', 'maxThreadsPerMultiprocessor': 2048, 'regsPerMultiprocessor': 65536,
              'sharedMemPerMultiprocessor': 233472, 'numSms': 132}
    top = {'deviceProperties': [device]}
    if 'no-rank' not in changes:
        top['distributedInfo'] = info
    return {**top, 'traceEvents': events}


os.makedirs(folder, exist_ok=True)
run = play()
for rank in range(4):
    kernels = sorted((k for k in run if k[0] == rank), key=lambda k: k[4])
    if 'shifted' in changes and rank == 2:
        kernels = kernels[2:]
    if 'other-run' in changes and rank == 3:
        kernels = [k[:4] + (k[4] * 3 % 7000 + 500 * i, k[4] * 3 % 7000 + 500 * i + 20, k[6]) for i, k in enumerate(kernels)]
    with open(f'{folder}/rank-{rank}.json', 'w', encoding='utf-8') as out:
        json.dump(profile(rank, kernels), out)
first = min(k[4] for k in run)
print(json.dumps({
    'makespan': [(max(k[5] for k in run if k[0] == r) - min(k[4] for k in run if k[0] == r)) * 1e-6 for r in range(4)],
    'job': (max(k[5] for k in run) - first) * 1e-6,
    'origin': [min(k[4] for k in run if k[0] == r) - first for r in range(4)],
    'waiting': [sum((k[5] - TRANSFER[k[3]] - k[4]) * 1e-6 for k in run if k[0] == r and k[3]) for r in range(4)],
    'clock': CLOCK, 'transfer': TRANSFER}))
