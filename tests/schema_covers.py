"""schema_covers.py SCHEMA.json PRINTED.yaml: every key of `validate --print` is in the schema, and of each table
that is printed every key of the schema.

Reads the printed YAML by its indentation, so that it needs no YAML package.
"""
import json
import re
import sys

schema = json.load(open(sys.argv[1]))
assert schema["$schema"].startswith("https://json-schema.org/"), "no $schema"
path, n_keys, missing, top = [], 0, [], set()
for line in open(sys.argv[2]):
    match = re.match(r"( *)([a-z0-9_]+):(.*)", line)
    if not match:
        continue
    depth = len(match[1]) // 2
    path = path[:depth] + [match[2]]
    node = schema
    top.add(path[0])
    for key in path:
        node = node.get("properties", {}).get(key)
        if node is None:
            missing.append(".".join(path))
            break
    else:
        is_table = not re.sub(r"#.*", "", match[3]).strip()
        assert is_table == (node.get("type") == "object"), ".".join(path)
        n_keys += not is_table


def leaves(node, printed=None):
    return sum(
        leaves(child) if child.get("type") == "object" else 1
        for name, child in node["properties"].items()
        if printed is None or name in printed
    )


assert not missing, missing
assert n_keys == leaves(schema, top), (n_keys, leaves(schema, top))
print(f"{n_keys} keys")
