"""timeline_check.py TIMELINE.json RANK...: what a viewer of trace events relies on; it holds times in
whole nanoseconds, so nothing is allowed to overlap by even one."""
import json
import sys
from collections import defaultdict

events = json.load(open(sys.argv[1]))["traceEvents"]
tracks, open_async, names, counters = defaultdict(list), defaultdict(int), set(), 0
lanes = [(e["pid"], e["args"]["name"]) for e in events if e["ph"] == "M" and e["name"] == "thread_name"]
assert len(lanes) == len(set(lanes)), f"two lanes of one name: {lanes}"


def ns(us):
    whole = round(1000 * us)
    assert abs(1000 * us - whole) < 1e-3, f"{us} us is no whole number of ns"
    return whole


assert min(e["ts"] for e in events if "ts" in e) == 1, "a run begins at 1 us"
begun = {}
for e in events:
    assert e["ph"] in "MXbeC", e
    assert e["name"], e
    if e["ph"] == "M":
        names.add((e["name"], e["pid"], e["tid"]))
    elif e["ph"] == "X":
        assert e["dur"] >= 0 and e["ts"] >= 1, e  # DevTools leave out what begins at 0
        start = ns(e["ts"])
        tracks[e["pid"], e["tid"]].append((start, start + ns(e["dur"])))
    elif e["ph"] == "C":
        counters += 1
        assert 0 <= e["args"]["share"] <= 1.000001, e
    else:
        key = e["cat"], e["id"]
        open_async[key] += 1 if e["ph"] == "b" else -1
        assert open_async[key] in (0, 1), e
        if e["ph"] == "b":
            begun[key] = e["ts"], e["name"], e["pid"]
        else:
            assert begun[key][0] <= e["ts"] and begun[key][1:] == (e["name"], e["pid"]), e

assert all(n == 0 for n in open_async.values()), "an asynchronous event never ends"
assert open_async and counters and tracks
for (pid, tid), slices in tracks.items():
    assert ("process_name", pid, 0) in names and ("thread_name", pid, tid) in names, (pid, tid)
    slices.sort(key=lambda s: (s[0], -s[1]))
    stack = []
    for start, end in slices:
        while stack and stack[-1] <= start:
            stack.pop()
        assert not stack or end <= stack[-1], f"slices overlap on {pid}/{tid} at {start} ns"
        stack.append(end)
assert {pid for pid, _ in tracks} == set(map(int, sys.argv[2:])), "ranks on the timeline"
print(len(events), "events")
