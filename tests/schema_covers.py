"""schema_covers.py SCHEMA.json PRINTED.yaml KEYS: every key of `validate --print` is in the schema, and the schema's
keys are those of `list keys`.

Reads the printed YAML by its indentation, so that it needs no YAML package.
"""
import json
import re
import sys

schema = json.load(open(sys.argv[1]))
assert schema["$schema"].startswith("https://json-schema.org/"), "no $schema"
path, n_keys, missing = [], 0, []
for line in open(sys.argv[2]):
    match = re.match(r"( *)([a-z0-9_]+):(.*)", line)
    if not match:
        continue
    depth = len(match[1]) // 2
    path = path[:depth] + [match[2]]
    node = schema
    for key in path:
        node = node.get("properties", {}).get(key)
        if node is None:
            missing.append(".".join(path))
            break
    else:
        is_table = not re.sub(r"#.*", "", match[3]).strip()
        assert is_table == (node.get("type") == "object"), ".".join(path)
        n_keys += not is_table


def leaves(node, prefix=""):
    for name, child in node.get("properties", {}).items():
        if child.get("type") == "object":
            yield from leaves(child, f"{prefix}{name}.")
        else:
            yield prefix + name


listed = {line.split()[0] for line in open(sys.argv[3])}
described = {key for key in leaves(schema) if key.split(".")[0] != "sweep"}
assert not missing, missing
assert listed == described, listed ^ described
print(f"{n_keys} keys of {len(listed)}")
