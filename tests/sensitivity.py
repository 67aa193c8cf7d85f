"""sensitivity.py MOESIM SRCDIR [PREFIX]: every key of every kind of scenario changes a result, or says why not. TAP.

tests/sensitivity.txt has three kinds of lines:
    NAME = ARGUMENTS            a run to compare with: a scenario and what makes it small
    KEY | VALUE | NAMES | NAMES KEY=VALUE changes the results of the first runs; the second do not read it: they refuse
                                it, or come out the same.
                                Another KEY=VALUE that must go with it follows after "&". The value "text" is for
                                keys that only describe, or that another key must repeat.
    KIND ~ KEYS                 the kind reads them, but no small run of it shows that
A key that no line names, and a line whose key is none, are failures. So is, for every kind, a key that it reads (`validate
--print` shows it) and of which no line names a run of that kind: it would be ignored without a word.
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

moesim, srcdir = sys.argv[1:3]
prefix = sys.argv[3] if len(sys.argv) > 3 else ""  # for people: only keys that begin so
runs, rows, unshown = {}, {}, {}


def read_table(path):
    for number, line in enumerate(open(path), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if " |" in line:
            key, value, changes, stays = (part.strip() for part in re.split(r"\s\|(?=\s|$)", line))
            assert key not in rows, f"{path}:{number}: {key} twice"
            rows[key] = (value, changes.split(), stays.split())
        elif " ~ " in line:
            kind, keys = line.split(" ~ ", 1)
            unshown.setdefault(kind.strip(), set()).update(keys.split())
        else:
            name, arguments = line.split("=", 1)
            assert name.strip() not in runs, f"{path}:{number}: run {name.strip()} twice"
            runs[name.strip()] = shlex.split(arguments)


def listed_keys():
    listed = subprocess.run([moesim, "list", "keys"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines()}


def result_of(name, change=None):
    """What a run says, without the scenario that it repeats."""
    arguments = [moesim, "run", os.path.join(srcdir, runs[name][0]), *runs[name][1:], "--json"]
    for part in change.split("&") if change else []:
        arguments += ["-s", part.strip()]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        return f"exit code {done.returncode}: {done.stderr.strip()[:400]}"
    document = json.loads(done.stdout)
    return [document.get(part) for part in ("metrics", "breakdown", "phases", "tables")]


def same(a, b):
    """Equal but for the rounding of another order of sums."""
    if isinstance(a, float) or isinstance(b, float):
        return a == b or (isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(a - b) <= 1e-9 * abs(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def check(key):
    """Complaints about one row."""
    value, changes, stays = rows[key]
    bad = []
    for name in changes + stays:
        result, base = result_of(name, f"{key}={value}"), bases[name]
        if name in stays and isinstance(result, str) and "changes nothing" in result:
            continue
        if isinstance(result, str):
            bad.append(f"{name}: {result}")
        elif same(result, base) != (name in stays):
            bad.append(f"{name}: {'changes, should not' if name in stays else 'does not change'} with {key}={value}")
    if not changes and not stays and value != "text":
        bad.append("names no run")
    return key, bad


def read_by(name):
    """The kind of a run, and the keys that it reads."""
    arguments = [moesim, "validate", "--print", os.path.join(srcdir, runs[name][0]), *runs[name][1:]]
    done = subprocess.run(arguments, capture_output=True, text=True)
    path, read = [], {}
    for line in done.stdout.splitlines():
        parts = re.match(r"( *)([A-Za-z0-9_]+):(.*)", line)
        if parts:
            depth = len(parts[1]) // 2
            path[depth:] = [parts[2]]
            if not parts[3].split(" #")[0].strip():
                continue
            read[".".join(path[: depth + 1])] = parts[3].split(" #")[0].strip()
    return read.get("kind"), set(read)


def check_kinds(prefix):
    """Complaints about keys that a kind reads and no row shows, by kind."""
    kinds = {}
    for name, (kind, read) in zip(runs, pool.map(read_by, runs)):
        kinds.setdefault(kind, (set(), set()))
        kinds[kind][0].update(key for key in read if not key.startswith("llm.blocks."))
        kinds[kind][1].update(key for key, row in rows.items() if name in row[1] or row[0] == "text")
    for kind, (read, shown) in sorted(kinds.items()):
        listed = unshown.get(kind, set())
        bad = [f"{key}: no row names a run of this kind: name one, or refuse the key (reads, needs)"
               for key in sorted(read - shown - listed) if key.startswith(prefix)]
        bad += [f"{key}: shown or not read, and listed as neither" for key in sorted(listed & shown | listed - read)]
        yield kind, bad


read_table(os.path.join(srcdir, "tests/sensitivity.txt"))
keys = listed_keys()
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    wanted = sorted(key for key in rows if key.startswith(prefix))
    names = sorted({name for key in wanted for name in rows[key][1] + rows[key][2]})
    bases = dict(zip(names, pool.map(result_of, names)))
    results = list(pool.map(check, wanted))
    of_kinds = list(check_kinds(prefix))

failed = 0
for key, bad in results + of_kinds:
    if key in rows and key not in keys:
        bad = ["is no key of any scenario"]
    failed += bool(bad)
    print(f"{'not ' if bad else ''}ok - {key}")
    for line in bad:
        print(f"# {line}")
unnamed = sorted(key for key in keys - set(rows) if key.startswith(prefix))
for key in unnamed:
    failed += 1
    print(f"not ok - {key}\n# no line of tests/sensitivity.txt says which run it changes: what reads it?")
for name, base in bases.items():
    if isinstance(base, str):
        failed += 1
        print(f"not ok - run {name}\n# {base}")
print(f"1..{len(results) + len(of_kinds) + len(unnamed) + sum(isinstance(base, str) for base in bases.values())}")
sys.exit(1 if failed else 0)
