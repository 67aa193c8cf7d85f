#!/bin/bash
# moesim claims: all that is shipped holds, its outputs are what programs expect, and what is broken is noticed. TAP.
. "$srcdir/tests/cli.sh"
claims=$srcdir/scenarios/claims

# --- all claims -----------------------------------------------------------------------------------
timeout 300 "$MOESIM" claims --progress=never -j 2 -o all.json -o all.xml -o VALIDATION.md >out 2>err
code=$?
last="all claims"
check "no claim of the paper regressed" [ $code = 0 ]
[ $code = 0 ] || grep -A 4 -E '^  (regressed|error)' out | sed 's/^/# /'
says " 0 regressed"
silent_on_stderr
check "doc/VALIDATION.md is current (else: tools/claims_record, then make validation)" \
    diff "$srcdir/doc/VALIDATION.md" VALIDATION.md
check "the JSON has the agreed shape" python3 - all.json "$claims" <<'PY'
import glob, json, os, sys
d = json.load(open(sys.argv[1]))
keys = ["id", "section", "paper", "ours", "unit", "deviation", "class", "verdict", "wall_s"]
for c in d["claims"]:
    assert list(c)[:9] == keys, c
    assert c["verdict"] in ("ok", "miss", "disputed", "unvalidated", "regressed", "error"), c
    assert c["class"] in ("closed-form", "count", "calibrated", "predicted", "unvalidated"), c
    assert (c["class"] == "calibrated") == ("constants" in c), c
    assert (c["verdict"] == "disputed") <= ("disputed" in c), c
    assert (c["verdict"] == "unvalidated") <= (c["class"] == "unvalidated"), c
    assert (c["class"] == "unvalidated") <= (c["verdict"] != "ok"), c
    assert not c["id"].startswith("proposal_") or c["class"] == "unvalidated", c  # nobody measured them
    assert isinstance(c["ours"], (int, float)) and c["wall_s"] >= 0 and c["quote"] and c["command"], c
assert sum(d["summary"].values()) == len(d["claims"])
files = {os.path.basename(f)[:-5] for f in glob.glob(sys.argv[2] + "/*.yaml")}
assert {c["id"] for c in d["claims"]} == files
PY
check "the XML is JUnit's: suites add up, what is no pass is skipped" python3 - all.json all.xml <<'PY'
import json, sys, xml.etree.ElementTree as ET
d, root = json.load(open(sys.argv[1])), ET.parse(sys.argv[2]).getroot()
cases = {c.get("name"): c for c in root.iter("testcase")}
assert root.tag == "testsuites" and int(root.get("tests")) == len(cases) == len(d["claims"])
want = {"ok": None, "miss": "skipped", "disputed": "skipped", "unvalidated": "skipped", "regressed": "failure", "error": "error"}
for c in d["claims"]:
    inside = [e.tag for e in cases[c["id"]]]
    assert inside == [t for t in [want[c["verdict"]]] if t], (c, inside)
for s in root:
    assert int(s.get("tests")) == len(s)
    for tag, attribute in ("failure", "failures"), ("error", "errors"), ("skipped", "skipped"):
        assert int(s.get(attribute)) == len(s.findall("testcase/" + tag)), s.attrib
PY
check "every table, figure and section with numbers has rows" python3 - all.json <<'PY'
import json, sys
sections = {c["section"] for c in json.load(open(sys.argv[1]))["claims"]}
for s in ("2.1.2 Table 1", "2.2.1 Table 2", "5.1.1 Table 3", "5.1.2 Table 4", "5.2.1 Table 5", "5.1.2 Figure 5",
          "5.1.2 Figure 6", "5.1.2 Figure 7", "5.2.2 Figure 8", "2.2.2", "2.3.2", "3.2", "4.1", "4.2", "4.3", "4.4.1"):
    assert s in sections, s
PY
check "Table 3 is there cell by cell" [ "$(grep -c '"table3_[a-z0-9]*_\(endpoints\|switches\|links\|cost\|cost_per_endpoint\)"' all.json)" = 25 ]
check "what cannot hold is not counted as passed" python3 - all.json <<'PY'
import json, sys
c = {c["id"]: c for c in json.load(open(sys.argv[1]))["claims"]}
for id in ("table1_llama_multiplier", "table2_qwen_same_formula", "table3_sf_can_be_built", "table3_df_is_canonical",
           "table3_one_price_list", "tpot_h800_hidden_7168"):
    assert c[id]["verdict"] == "disputed", c[id]
assert c["table1_llama_multiplier"]["arithmetic"].startswith("516.096 / 70.272 = 7.34")
assert "no prime power" in c["table3_sf_can_be_built"]["arithmetic"]
PY

# --- same bytes, whatever runs beside ---------------------------------------------------------------
without_time() { sed -E 's/"wall_s":.*/"wall_s"/; s/ time="[^"]*"/ time/' "$1"; }
subset=(table1* table3* plane* fig6* 4.3)
expect 0 "a subset, one at a time" claims -j 1 "${subset[@]}" -o one.json -o one.xml -o one.md
expect 0 "the same, eight at a time" claims -j 8 "${subset[@]}" -o two.json -o two.xml -o two.md
check "same JSON but for wall_s" cmp <(without_time one.json) <(without_time two.json)
check "same XML but for time" cmp <(without_time one.xml) <(without_time two.xml)
check "same Markdown" cmp one.md two.md
expect 0 "JSON on standard output" claims --json table1_v3_kv
check "is JSON" python3 -m json.tool out
expect 0 "in another folder" claims --dir "$claims" 'table1_*'
says "6 claims:"
expect 0 "by section" claims "5.2.1 Table 5"
says "5 claims: 5 ok"
expect 0 "in detail" claims --detail table1_llama_multiplier
says '"LLaMA-3.1 405B (GQA) | 516.096 KB | 7.28x"'
says "516.096 / 70.272 = 7.3443 x"
says "moesim model --table1 --format json"
expect 0 "a list" claims --list
says "table5_nvlink"
expect 2 "a claim that there is not" claims table1_lama_multiplier
tells "did you mean 'table1_llama_multiplier'?"
expect 2 "an output that is none" claims -o claims.pdf
tells "must end in .json, .xml, .md, .txt or .tex"
expect 4 "a folder that is none" claims --dir nowhere
tells "cannot list claims"
mkdir empty
expect 3 "a folder without claims" claims --dir empty
tells "there is no claim in it"

expect 2 "a list as JSON" claims --list --json
tells "--list runs nothing"

# --- intervals over seeds -----------------------------------------------------------------------------
mkdir seeds
for metric in makespan scenario.cluster.ep_kernel.sms; do
    unit=ms scale=" * 1 s"
    [ $metric = makespan ] || { unit=SMs scale=; }
    cat >"seeds/${metric##*.}.yaml" <<YAML
id: ${metric##*.}
section: "1"
quote: "words"
command: run scenarios/train_replay_h800.yaml -s sim.network=bound --json
metric: "$metric$scale"
unit: "$unit"
expect: {at_least: 1, at_most: 1000}
class: predicted
YAML
done
expect 0 "claims with seeds" claims --dir seeds --seeds 2 -o seeds.json -o seeds.tex -o seeds.md
says "mean of 2 seeds"
for k in 1 2; do "$MOESIM" run "$srcdir/scenarios/train_replay_h800.yaml" -s sim.network=bound -s sim.seed=$k -o "seed$k.json" >/dev/null; done
check "say mean and 95 % interval of what depends on them, and nothing of what does not" python3 - <<'PY'
import json, math
claims = {c["id"]: c for c in json.load(open("seeds.json"))["claims"]}
a, b = (json.load(open(f"seed{k}.json"))["metrics"]["makespan"]["value"] * 1e3 for k in (1, 2))
c = claims["makespan"]
assert a != b and c["seeds"] == 2 and math.isclose(c["mean"], (a + b) / 2, rel_tol=1e-12)
assert math.isclose(c["ci95"], 12.7062047 * abs(a - b) / 2, rel_tol=1e-6), c # Student's t of one degree of freedom
assert "ci95" not in claims["sms"] and "interval" not in claims["sms"]
assert "mean of 2 seeds" in open("seeds.md").read() and "over seeds" in open("seeds.tex").read()
PY
expect 2 "seeds of a list" claims --list --seeds 3
expect 2 "one seed" claims --seeds 1
tells "a whole number from 2"

# --- broken expectations ------------------------------------------------------------------------------
mkdir c
claim() { # NAME EXPECT [MORE LINES]
    rm -f c/*.yaml
    cat >"c/$1.yaml" <<YAML
id: $1
section: "2.1.2 <Table> & \"1\""
quote: "70.272 KB | <b>&\"'"
command: model --table1 --format json
metric: rows[model=deepseek_v3].kv_KB * 1 KB
unit: KB
expect: $2
class: closed-form
$3
YAML
}
claim good '{at_least: 70}'
sed -i 's/^class:.*/class: unvalidated/' c/good.yaml
expect 0 "a direction that nobody measured" claims --dir c
says "1 claims: 0 ok, 1 unvalidated, 0 regressed"
claim good '{value: 70.272, digits: 3}'
expect 0 "a good claim" claims --dir c
claim broken '{value: 70.3, tolerance: 0.01 %}'
expect 1 "a broken expectation" claims --dir c -o broken.json -o broken.xml -o broken.md
says "regressed: the paper has 70.3 KB, ours is 70.272 KB"
check "the XML escapes what it quotes" python3 - broken.xml <<'PY'
import sys, xml.etree.ElementTree as ET
root = ET.parse(sys.argv[1]).getroot()
assert root.find("testsuite/testcase/failure") is not None and root[0].get("name") == '2.1.2 <Table> & "1"'
PY
check "so does the Markdown" grep -qF '70.272 KB \| \<b\>&' broken.md
claim recorded '{value: 70.3, tolerance: 0.01 %}' 'baseline: 70.27'
expect 0 "the same, recorded as a miss" claims --dir c
says "1 miss"
claim moved '{value: 70.3, tolerance: 0.01 %}' 'baseline: 71'
expect 1 "a miss that moved" claims --dir c
says "regressed: ours moved from 71 KB to 70.272 KB"
check "is recorded anew by the tool" python3 "$srcdir/tools/claims_record" "$MOESIM" c
check "once" [ "$(grep -c '^baseline: 70.272$' c/moved.yaml)" = 1 ]
expect 0 "and then is a miss" claims --dir c
sed -i 's/^expect:.*/expect: {value: 70.3, tolerance: 1 %}/' c/moved.yaml
check "a claim that holds again" python3 "$srcdir/tools/claims_record" "$MOESIM" c
check "needs no baseline" sh -c '! grep -q "^baseline" c/moved.yaml'
claim two_rows '{value: 1, digits: 0}'
sed -i 's/^metric:.*/metric: rows.kv_KB/' c/two_rows.yaml
expect 1 "a metric that is no number" claims --dir c
says "3 rows match; choose one"
claim unit '{at_least: 1}'
sed -i 's/^command:.*/scenario: scenarios\/tpot_bound_nvl72.yaml/; s/^metric:.*/metric: comm_time_bound/; s/^unit:.*/unit: GB/' c/unit.yaml
echo 'set: tpot.bridge=false' >>c/unit.yaml
expect 1 "a time in bytes" claims --dir c
says "'GB' is no unit for it: the number is in s"
sed -i 's/^unit:.*/unit: us/' c/unit.yaml
expect 0 "in microseconds" claims --dir c
sed -i 's/^unit:.*/unit: microseconds, about/' c/unit.yaml
expect 1 "in words: SI" claims --dir c
claim fails '{value: 1, digits: 0}'
sed -i 's/^command:.*/command: model deepseek_v9 --format json/' c/fails.yaml
expect 1 "a command that fails" claims --dir c -o fails.json
says "deepseek_v9"
check "is an error in JSON, without a number" python3 -c '
import json
c = json.load(open("fails.json"))["claims"][0]
assert c["verdict"] == "error" and c["ours"] is None and c["message"]'
claim usage '{value: 1, digits: 0}'
sed -i 's/^command:.*/command: topo --tabel3 --format json/' c/usage.yaml
expect 1 "a command line that is wrong" claims --dir c
says "unrecognized option '--tabel3'"
claim text '{value: 1, digits: 0}'
sed -i 's/^command:.*/command: model --table1/' c/text.yaml
expect 1 "a command that prints text" claims --dir c
says "the command prints no JSON"

# --- bad claim files -------------------------------------------------------------------------------------
bad() { # TITLE MESSAGE LINE... (sed commands on a good claim)
    claim bad '{value: 70.272, digits: 3}'
    for edit in "${@:3}"; do sed -i "$edit" c/bad.yaml; done
    expect 3 "$1" claims --dir c
    tells "$2"
}
bad "unknown key" "c/bad.yaml:5:1: error: unknown key 'metrik'; did you mean 'metric'?" 's/^metric/metrik/'
bad "unknown class" "c/bad.yaml:8:8: error: class: " 's/^class:.*/class: exact/'
bad "id is not the file's name" "c/bad.yaml:1:5: error: id is 'other', but the file is called 'bad.yaml'" 's/^id:.*/id: other/'
bad "bad metric" "c/bad.yaml:5:23: error: in 'max(rows.kv_KB': ')' is wanted here" 's/^metric:.*/metric: max(rows.kv_KB/'
bad "value with a unit" "is no plain number; its unit is the claim's" 's/^expect:.*/expect: {value: 70.272 KB, digits: 3}/'
bad "no closeness" "say how close ours must be" 's/^expect:.*/expect: {value: 70.272}/'
bad "two expectations" "say when the claim holds, in one way" 's/^expect:.*/expect: {value: 70.272, digits: 3, at_least: 4}/'
bad "no expectation" "say when the claim holds" 's/^expect:.*/expect: {tolerance: 3 %}/'
bad "order without other" "'order' and 'other' belong together" 's/^expect:.*/expect: {order: below}/'
bad "other without order" "'order' and 'other' belong together" '$aother: {metric: rows.kv_KB}'
bad "bounds that cross" "it is larger than at_most" 's/^expect:.*/expect: {at_least: 3, at_most: 2}/'
bad "calibrated on what?" "name what was fitted to this number" 's/^class:.*/class: calibrated/'
bad "a printed number is never unvalidated" "is no 'class: unvalidated'" 's/^class:.*/class: unvalidated/'
bad "disputed without a value" "a disputed claim needs 'baseline'" '$adisputed: "because"'
bad "scenario and command" "either a scenario or a command" '$ascenario: scenarios/fig7_deepep.yaml'
bad "neither" "a claim says what runs" '/^command:/d'
bad "no such scenario" "there is no scenario 'scenarios/fig9.yaml'" 's/^command:.*/scenario: scenarios\/fig9.yaml/'
bad "no such command" "a claim cannot run 'moesim modle'; did you mean 'model'?" 's/^command:.*/command: modle --table1/'
bad "open quote" "a quote is not closed" "s/^command:.*/command: \"model 'x\"/"
bad "set without scenario" "'set' is of a scenario" '$aset: a=b'
bad "no quotation" "must not be empty" 's/^quote:.*/quote: ""/'
claim first '{value: 70.272, digits: 3}'
sed 's/^id:.*/id: second/; s/^class:.*/class: wrong/' c/first.yaml >c/second.yaml
sed -i 's/^class:.*/class: bad/' c/first.yaml
expect 3 "all bad files in one go" claims --dir c
tells "c/first.yaml:8:8"
tells "c/second.yaml:8:8"

expect 4 "a full disk" claims table1_v3_kv -o /dev/full
"$MOESIM" claims table1_v3_kv >/dev/full 2>err
check "standard output is full" [ $? = 4 ]
finish
