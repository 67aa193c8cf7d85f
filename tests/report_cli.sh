#!/bin/bash
# moesim report: one page that needs nothing else, in which texts stay texts; in Chromium where that is. TAP.
. "$srcdir/tests/cli.sh"
S=$srcdir/scenarios

# --- results ----------------------------------------------------------------------------------------
expect 0 "claims" claims 'table1*' 'table3_*' v3_active experts_per_group mpft_10k -o claims.json
expect 0 "a sweep" sweep "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -a tpot.tokens='16, 32' \
    -a cluster.node.nvlink_bandwidth='50, 100, 200, 450, 900 GB/s' -o sweep.sqlite
expect 1 "a sample in which points fail" sweep "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -a tpot.tokens=8..64 \
    -a 'cluster.node.nvlink_bandwidth=50..900 GB/s' -a tpot.layers=20..60 -a model=deepseek_v3,nosuch --sample sobol:40 -o sample.sqlite
expect 0 "as JSON, too" export sweep.sqlite -o wide.json
expect 0 "with seeds" sweep "$S/tpot_bound_nvl72.yaml" -s tpot.bridge=false -a tpot.tokens='16, 32' --seeds 2 -o seeds.sqlite
expect 0 "seeds that differ" sweep "$S/train_replay_h800.yaml" -s sim.network=bound -a cluster.ep_kernel.sms=16,20 --seeds 3 -o intervals.sqlite
expect 0 "a network" topo mpft --nodes 4 --format json -o mpft.json
expect 0 "a run with a timeline" run "$S/train_replay_h800.yaml" -o run.json.gz --timeline timeline.json
expect 0 "Table 3" topo --table3 --format json -o table3.json
expect 0 "a network by groups" topo dragonfly --nodes 264 -s cluster.network.dragonfly_groups=33 --format json -o df.json
check "a drawing has its nodes and edges" python3 - mpft.json df.json <<'PY'
import json, sys
small, groups = (json.load(open(f))["drawing"] for f in sys.argv[1:])
assert len(small["nodes"]) == 12 and len(small["edges"]) == 32 and not small["condensed"]
assert sum(e["cables"] for e in small["edges"]) == 32
assert len(groups["nodes"]) == 33 and groups["condensed"] and groups["leaves_meet"]
assert all(0 <= e["from"] < e["to"] < 33 for e in groups["edges"])
assert all(0 <= e["load"] <= 1 for e in small["edges"]) and max(e["load"] for e in small["edges"]) == 1
PY
python3 - <<'PY'
import json
bad = "</script><script>pwned=1</script><img src=x onerror=pwned=1><b>'\"&\u2028\u0007"
r = json.load(open("table3.json"))
r["remarks"] = [bad]
for c in r["columns"]:
    c["name"] = bad + c["name"]
r[bad] = [{bad: 1, "x": bad}, {bad: 2, "x": bad + "2"}]
r["provenance"][bad] = bad
json.dump(r, open("odd </title><script>pwned=1</script> '\"&.json".replace("/", "_"), "w"))
PY
python3 - <<'PY'
import json
def table(name, columns, rows):
    return {"name": name, "doc": "", "columns": [{"name": c, "unit": u, "doc": ""} for c, u in columns],
            "rows": [dict(zip([c for c, _ in columns], r)) for r in rows]}
r = {"schema_version": 1, "kind": "x", "metrics": {}, "tables": [
    table("memory", [("what", "text"), ("bytes", "B")], [("weights", 24.192e9), ("buffers of the low-latency kernels and what they hold", 404.8e6), ("reserve", 8e9)]),
    table("what_if", [("resource", "text"), ("gain", "")], [("network", 0.2), ("tensor cores", -0.05)]),
    table("kernels", [("stage", "text"), ("kernel", "text"), ("time", "s")], [("attn", "norm", 1e-6), ("attn", "MLA", 1e-4), ("moe", "gate", 2e-6), ("head", "gemm", 7e-4), ("head", "norm", 1e-6)]),
    table("step", [("network", "text"), ("of", "text"), ("step_time", "s")], [("mpft", "ours", 19.3), ("mpft", "paper", 19.9), ("mrft", "ours", 19.4), ("mrft", "paper", 19.94)]),
    table("ranks", [("rank", ""), ("f_time", "s"), ("bubble", "s"), ("b_time", "s"), ("messages", "s")], [(0, 1.0, 2.0, 3.0, 0.2), (1, 1.5, 1.0, 3.5, 0.4)]),
    table("means", [("topology", "text"), ("makespan", "s"), ("makespan.ci95", "s")], [("mpft", 0.128, 0.002), ("ft2", 0.130, 0.001)]),
    table("many", [("what", "text"), ("time", "s")], [(f"kernel {i}", 1e-6 * i) for i in range(60)])]}
json.dump(r, open("bars.json", "w"))
PY
results=(claims.json sweep.sqlite mpft.json timeline.json run.json.gz table3.json df.json wide.json seeds.sqlite sample.sqlite intervals.sqlite odd* bars.json)

# --- the page ---------------------------------------------------------------------------------------
title="a <title> & \"more\" '"
expect 0 "a report" report "${results[@]}" --title "$title" -o page.html
silent_on_stderr
expect 0 "again" report "${results[@]}" --title "$title" -o again.html
check "same bytes" cmp page.html again.html
expect 0 "from another folder, compressed" report "${results[@]}" --title "$title" -o page.html.gz
check "same page" sh -c 'gzip -dc page.html.gz | cmp - page.html'
check "the page is one file with what it needs" python3 - page.html "$srcdir/report/report.js" <<'PY'
import html.parser, json, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
class P(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.texts, self.now = [], {}, None
    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.now = (tag, dict(attrs).get("id"), len(self.tags))
    def handle_data(self, data):
        self.texts[self.now] = self.texts.get(self.now, "") + data
p = P()
p.feed(page)
scripts = [a for t, a in p.tags if t == "script"]
assert len(scripts) == 3, scripts # the data, the library, the page's own
for tag, attrs in p.tags:
    assert tag not in ("img", "link", "iframe", "object", "b"), tag
    assert not {"src", "href", "onerror", "onclick"} & set(attrs), (tag, attrs)
assert any(t == "meta" and "default-src 'none'" in a.get("content", "") for t, a in p.tags)
data = next(v for k, v in p.texts.items() if k and k[1] == "data")
assert "<" not in data
assert [r["kind"] for r in json.loads(data)["results"]] == [
    "claims", "sweep", "result", "timeline", "result", "result", "result", "table", "sweep", "sweep", "sweep", "result", "result"]
title = next(v for k, v in p.texts.items() if k and k[0] == "title")
assert title.strip() == "a <title> & \"more\" '", title
assert "Apache License" in page and "BSD 3-Clause" in page and open(sys.argv[2]).read() in page
assert not re.search(r"@@[a-z]+@@", page)
PY
check "the chart library is the one that was bundled" sh -c "cd '$srcdir/report' && sha256sum -c echarts.js.sha256"
check "its licence is in the tree" grep -q "Apache License" "$srcdir/report/LICENSES.txt"
check "the page's script makes no markup of texts" sh -c \
    "! grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(' '$srcdir/report/report.js'"

# --- what is no result --------------------------------------------------------------------------------
echo '{"a": 1}' >other.json
echo '{"metrics": {}' >cut.json
printf '{\n "metrics": nonsense\n}' >word.json
expect 3 "other JSON" report other.json -o x.html
tells "other.json: error: this is no result of moesim"
expect 3 "all bad files in one go" report cut.json word.json claims.json -o x.html
tells "cut.json:"
tells "word.json:2:13: error: this is no JSON"
expect 4 "no file" report nowhere.json -o x.html
tells "nowhere.json: error: cannot open"
head -c 3000 run.json.gz >cut.json.gz
expect 3 "a compressed file that was cut" report cut.json.gz -o x.html
head -c 4096 sweep.sqlite >cut.sqlite
"$MOESIM" report cut.sqlite -o x.html 2>err
check "a database that was cut" [ $? != 0 -a -s err ]
check "no page of bad results" [ ! -e x.html ]
expect 2 "no results" report
tells "which results?"
expect 2 "a page that is no HTML by its name" report claims.json -o claims.json
check "the result is still there" grep -q '"claims"' claims.json
expect 4 "a full disk" report claims.json -o /dev/full

# --- in a browser ---------------------------------------------------------------------------------------
chromium=$(command -v chromium || command -v chromium-browser)
if [ -n "$chromium" ]; then # its drawings, as text: needs no driver
    timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --window-size=1200,20000 --virtual-time-budget=5000 \
        --dump-dom page.html >dumped.html 2>/dev/null
    python3 "$srcdir/tests/report_bars.py" dumped.html >bars.log 2>&1
    code=$?
    while IFS= read -r line; do
        case $line in
        "ok - "*) ok "drawn: ${line#ok - }" ;;
        "not ok - "*) not_ok "drawn: ${line#not ok - }" ;;
        *) echo "# $line" ;;
        esac
    done <bars.log
    check "the drawings were read to their end" [ $code = 0 ]
else
    skip "drawings in a browser" "no chromium"
fi
modules=${MOESIM_NODE_MODULES:-$srcdir/tools/report}
if ! command -v node >/dev/null || [ -z "$chromium" ]; then
    skip "the page in a browser" "no node or no chromium"
elif [ ! -d "$modules/node_modules/playwright-core" ]; then
    skip "the page in a browser" "no playwright-core: make -C tools/report modules"
else
    timeout 120 node "$srcdir/tests/report_browser.mjs" page.html "$modules" "$chromium" >browser.log 2>&1
    code=$?
    while IFS= read -r line; do
        case $line in
        "ok - "*) ok "browser: ${line#ok - }" ;;
        "not ok - "*) not_ok "browser: ${line#not ok - }" ;;
        *) echo "# $line" ;;
        esac
    done <browser.log
    check "the browser test came to its end" [ $code = 0 ]
fi
finish
