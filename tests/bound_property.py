#!/usr/bin/env python3
"""Network `bound` against `flow` on drawn scenarios: bound_property.py MOESIM SOURCE [POINTS-FACTOR].

Each case sweeps a small scenario with the same drawn settings over both networks; no time of `bound` may be longer. Prints
what is, per case the number of times that were compared and the median ratio, and ends with 1 if any was longer."""
import sqlite3
import statistics
import subprocess
import sys
import tempfile

BANDWIDTHS = ["cluster.nic.bandwidth=50..400 Gb/s", "cluster.node.nvlink_bandwidth=50..400 GB/s"]
LATENCIES = ["cluster.nic.latency=0.5..20 us", "cluster.network.switch_latency=0.1..2 us"]
# what decoding and prefill must follow, too, where exchanges are mostly on their way
LONG = ["cluster.nic.latency=0.5..200 us", "cluster.network.switch_latency=0.1..2 us"]
# name, points, scenario, settings, axes
CASES = [
    ("collectives", 80, "fig5_alltoall_mpft_mrft", ["collective.topologies=", "collective.gpus=", "collective.to=64 MiB"],
     ["collective.operation=all_to_all, all_reduce, all_gather, reduce_scatter, broadcast", "cluster.topology=mpft, ft2, mrft",
      "cluster.nodes=2, 3, 4, 6", "collective.from=4 KiB, 1 MiB, 64 MiB"] + BANDWIDTHS + LATENCIES),
    ("oversubscribed", 80, "fig5_alltoall_mpft_mrft",
     ["collective.topologies=", "collective.gpus=", "cluster.topology=ft2", "cluster.network.switch_ports=16",
      "collective.operation=all_to_all", "collective.pxn=false"],
     ["cluster.nodes=2, 4, 8", "collective.receiver_cv=0..1", "cluster.network.oversubscription=1, 3, 8",
      "collective.from=100 KB, 10 MB"] + BANDWIDTHS + LATENCIES),
    ("exchanges", 60, "fig7_deepep", ["moe.normal.gpus=16", "moe.normal.dispatch_published=", "moe.normal.combine_published=", "moe.low_latency.gpus=16",
      "moe.low_latency.dispatch_published=", "moe.low_latency.combine_published=", "sim.epsilon=0"],
     ["cluster.topology=mrft, ft2", "cluster.ep_kernel.sms=8, 20, 32"] + BANDWIDTHS + LATENCIES),
    ("expert load", 20, "dedup_node_limited", [], ["cluster.topology=mpft, mrft"] + BANDWIDTHS + LATENCIES),
    ("decode", 80, "decode_ep144",
     ["sim.epsilon=0", "inference.simulate_layers=2", "cluster.nodes=4", "expert_load.redundant=0"],
     ["inference.decode.batch=4, 16, 48", "cluster.topology=mrft, ft2", "inference.overlap=none, dual",
      "cluster.ep_kernel.low_latency_dispatch=5..100 us"] + BANDWIDTHS + LONG),
    ("decode, oversubscribed", 40, "decode_ep144",
     ["sim.epsilon=0", "inference.simulate_layers=3", "cluster.nodes=4", "expert_load.redundant=0", "cluster.topology=ft2",
      "cluster.network.switch_ports=36", "inference.overlap=none"],
     ["inference.decode.batch=4, 16, 48", "cluster.network.oversubscription=1, 3, 8"] + BANDWIDTHS + LATENCIES),
    ("prefill", 20, "prefill_ep32", ["sim.epsilon=0", "inference.simulate_layers=2", "inference.prefill.tokens=4096"],
     BANDWIDTHS + LONG),
    ("dense decode", 40, "decode_dense_405b", ["sim.epsilon=0"], BANDWIDTHS + LATENCIES),
    ("replay", 20, "train_replay_h800", [], ["cluster.ep_kernel.sms=8, 20, 40", "cluster.topology=mpft, mrft"] + BANDWIDTHS + LATENCIES),
    ("training", 40, "train_step_dense_70b", ["cluster.nodes=16", "train.pp=16", "train.sequences=128"],
     BANDWIDTHS + LATENCIES),
    ("tpot", 40, "../tests/data/sweep_bound", ["sim.epsilon=0", "cluster.nodes=2"], ["tpot.tokens=1, 8, 32"] + BANDWIDTHS + LATENCIES),
]


def sweep(moesim, source, case, network, factor, out):
    name, points, scenario, settings, axes = case
    command = [moesim, "sweep", f"{source}/scenarios/{scenario}.yaml", "-s", f"sim.network={network}"]
    for s in settings:
        command += ["-s", s]
    for a in axes:
        command += ["-a", a]
    command += ["--sample", f"sobol:{max(1, round(points * factor))}", "-j", "2", "-o", out]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{name}: {' '.join(command)}\n{done.stderr}")
    db = sqlite3.connect(out)
    times = {(p, n): v for p, n, v in db.execute("SELECT point, name, value FROM metrics WHERE unit = 's'")}
    for p, t, row, column, v in db.execute("SELECT point, \"table\", row, \"column\", value FROM tables WHERE unit = 's'"):
        times[p, f"{t}[{row}].{column}"] = v
    failed = dict(db.execute("SELECT point, message FROM points WHERE status <> 'ok'"))
    return times, failed


def compare(case, bound, flow):
    name = case[0]
    ratios, longer = [], 0
    for key, f in flow[0].items():
        b = bound[0].get(key)
        if not isinstance(f, float) or not isinstance(b, float) or f <= 0 or "[" in key[1]:
            continue
        ratios.append(b / f)
        if b > f * (1 + 1e-9):
            longer += 1
            if longer <= 5:
                print(f"# {name}, point {key[0]}: {key[1]}: bound {b:.6g} s, flow {f:.6g} s, {b / f:.6f}")
    for p, why in bound[1].items():
        if p not in flow[1]:
            print(f"# {name}, point {p}: only bound failed: {why}")
            longer += 1
    points = len({k[0] for k in flow[0]})
    median = statistics.median(ratios) if ratios else float("nan")
    print(f"# {name}: {points} points, {len(ratios)} times, {longer} longer, median {median:.3f}, least {min(ratios, default=0):.3f}")
    return points, longer, ratios


def main():
    moesim, source = sys.argv[1:3]
    factor = float(sys.argv[3]) if len(sys.argv) > 3 else 1
    only = sys.argv[4:]
    points = longer = 0
    ratios = []
    with tempfile.TemporaryDirectory() as work:
        for i, case in enumerate(CASES):
            if only and case[0] not in only:
                continue
            both = [sweep(moesim, source, case, n, factor, f"{work}/{i}{n}.sqlite") for n in ("bound", "flow")]
            p, l, r = compare(case, *both)
            points, longer, ratios = points + p, longer + l, ratios + r
    median = statistics.median(ratios) if ratios else float("nan")
    print(f"# all: {points} points, {len(ratios)} times, {longer} longer, median {median:.3f}")
    sys.exit(longer > 0)


if __name__ == "__main__":
    main()
