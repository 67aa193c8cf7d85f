#!/bin/bash
# moesim model as a user types it: published sizes, Tables 1 and 2, layouts, import, refusals. TAP.
. "$srcdir/tests/cli.sh"
metric() { # FILE NAME
    python3 -c 'import json, sys; print("%.6g" % json.load(open(sys.argv[1]))["metrics"][sys.argv[2]]["value"])' "$@"
}

expect 0 "DeepSeek-V3" model deepseek_v3
for line in "params                            671.026 B" "params_active                      37.552 B" \
    "params_mtp                         11.610 B" "70.272 KB" "249.817 GFLOP" "280.52 GFLOP"; do
    says "$line"
done
sizes=$(for m in deepseek_v2 qwen2.5_72b llama3.1_70b llama3.1_405b; do
    "$MOESIM" model $m | sed -n 's/^params  *//p' | cut -d' ' -f1
done | tr '\n' ' ')
check "published sizes" [ "$sizes" = "235.741 72.706 70.554 405.853 " ]
expect 0 "Table 1" model --table1
says "LLaMA-3.1 405B (GQA)        516.096      516.096"
expect 0 "Table 2" model --table2
says "LLaMa-405B Dense          405.9 B       2447.9       2448         2473.2"
expect 0 "Table 2 as JSON" model --table2 -f json
check "every row is met" [ "$(grep -c '"met":.*true' out)" = 4 ]

expect 0 "stages" model deepseek_v3 --pp 61 -f json -o stages.json
expect 0 "one GPU" model deepseek_v3 -f json -o one.json
check "one GPU holds all of it" [ "$(metric one.json weights_per_gpu)" = "$(metric one.json weights)" ]
check "the fullest of 61 stages holds an MoE layer and the head" \
    python3 -c "import json; v = lambda k: json.load(open('stages.json'))['metrics'][k]['value']
assert abs(v('weights_per_gpu') - 2 * v('params_head') - 11.5069e9 * (1 + 4 / 16384)) < 3e6, v('weights_per_gpu')"
# what Hugging Face stores of deepseek-ai/DeepSeek-V3: 688,586,727,753 bytes, the MTP module with an embedding
# and a head of its own
check "the size of the published checkpoint" \
    python3 -c "import json; v = lambda k: json.load(open('one.json'))['metrics'][k]['value']
stored = v('weights') + v('weights_mtp') + 4 * v('params_embedding')
assert abs(stored / 688586727753 - 1) < 1e-4, stored"
expect 0 "two experts on each of 144 GPUs" model deepseek_v3 --ep 144 --redundant 32 -f json -o ep144.json
check "a 128th of the experts and all of the rest" \
    python3 -c "import json; v = lambda f, k: json.load(open(f))['metrics'][k]['value']
routed = v('one.json', 'params_routed_experts') * (1 + 4 / 16384)
rest = v('one.json', 'weights') - routed
assert abs(v('ep144.json', 'weights_per_gpu') - rest - routed / 128) < 1e3"
expect 0 "a window" model llama3.1_70b -s attention.window=1024 -f json -o window.json
expect 0 "none" model llama3.1_70b -f json -o whole.json
check "a window bounds what decoding reads" \
    python3 -c "import json; v = lambda f: json.load(open(f))['metrics']['decode_bytes']['value']
assert abs(v('whole.json') - v('window.json') - 3072 * 327680) < 1"
expect 0 "a cache in FP8" model deepseek_v3 -s attention.kv_value='1 B'
says "35.136 KB"
expect 0 "a cache in FlashMLA's FP8: 656 B per layer" model deepseek_v3 -s attention.kv_value='1 B' \
    -s attention.kv_scale='4 B' -s attention.kv_rope='2 B'
says "40.016 KB"
expect 0 "a quantised cache of GQA" model llama3.1_70b -s attention.kv_value='4 b' -s attention.kv_scale='2 B' \
    -s attention.kv_block=32
says "92.16 KB"
expect 0 "blocks" list blocks
says "mla_absorbed"

expect 0 "caches short and long" model deepseek_v3
for line in "287.834 MB" "73.6855 GB"; do says "$line"; done
check "decimal units alone" bash -c '! grep -q "[KMGT]iB" out'

# --- today's models: published sizes ----------------------------------------------------------------------
shipped() { # MODEL TOTAL KV
    expect 0 "$1" model $1
    check "$1: $2 B" grep -q "^params  *$2 B" out
    check "$1: cache $3" grep -q "^kv_per_token  *$3 " out
}
shipped deepseek_v3_2 671.878 "70.272 KB"
shipped deepseek_v4_flash 284.329 "5.536 KB"
shipped kimi_k2 1026.408 "70.272 KB"
shipped kimi_k3 2779.482 "27.648 KB"
shipped glm_5 743.911 "89.856 KB"
shipped qwen3_235b_a22b 235.094 "192.512 KB"
shipped gpt_oss_20b 20.915 "24.576 KB"
shipped nemotron_3_super 120.669 "4.096 KB"
check "all of them can be counted" bash -c 'for m in $("$MOESIM" list models | cut -d" " -f1 | grep -v /); do
    "$MOESIM" model "$m" >/dev/null 2>&1 || { echo $m; exit 1; }; done'
expect 0 "sparse attention in decoding" run "$srcdir/scenarios/decode_ep144.yaml" -s model=deepseek_v3_2 -s sim.network=bound --json
check "pays from some context on" python3 -c "
import json
r = json.load(open('out'))
at = r['metrics']['sparse_pays_from']['value']
rows = next(t for t in r['tables'] if t['name'] == 'sparse_attention')['rows']
assert 4096 < at < 8192 and len(rows) == 8, at
assert all((row['dense_over_sparse'] > 1) == (row['context'] >= at) for row in rows), rows"
tpot() { python3 -c "import json; print(json.load(open('out'))['metrics']['tpot']['value'])"; }
four=("$srcdir/scenarios/decode_ep144.yaml" -s sim.network=bound -s llm.moe.weight='4.5 b' --json)
expect 0 "experts in NVFP4 on a chip that has it" run "${four[@]}" -s hardware=b200 -s llm.moe.compute=nvfp4
nv=$(tpot)
expect 0 "weights of 4 bits, products in BF16" run "${four[@]}" -s hardware=b200 -s llm.moe.compute=w4a16 -s llm.moe.weight='4.25 b'
check "other kernels" python3 -c "assert abs($nv - $(tpot)) > 1e-5"
expect 0 "NVFP4 on a chip that has it not" run "${four[@]}" -s llm.moe.compute=nvfp4
says "no tensor cores: timed at its FP8 rate"
expect 0 "at 128K" run "$srcdir/scenarios/decode_ep144.yaml" -s model=deepseek_v3_2 -s sim.network=bound -s inference.decode.context=131072 \
    -s inference.decode.batch=4

# --- import --------------------------------------------------------------------------------------------
cp "$srcdir/tests/data/hf_deepseek_v3.json" config.json
expect 0 "import" model import config.json -o mine.yaml
expect 0 "the same model" model ./mine.yaml
says "671.026 B"
says "249.817 GFLOP"
cat >llama.json <<'END'
{"model_type": "llama", "num_hidden_layers": 80, "hidden_size": 8192, "vocab_size": 128256,
 "intermediate_size": 28672, "num_attention_heads": 64, "num_key_value_heads": 8}
END
expect 0 "import of a dense model" model import llama.json -o llama.yaml
expect 0 "the same dense model" model llama.yaml
says "70.554 B"

# published: Mixtral 8x7B 46.7 B, 12.9 B active; Qwen3-235B-A22B; Qwen1.5-MoE-A2.7B 14.3 B (model cards)
cat >mixtral.json <<'END'
{"model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
 "num_key_value_heads": 8, "num_hidden_layers": 32, "num_local_experts": 8, "num_experts_per_tok": 2,
 "sliding_window": null, "tie_word_embeddings": false, "vocab_size": 32000}
END
cat >qwen3_moe.json <<'END'
{"model_type": "qwen3_moe", "attention_bias": false, "decoder_sparse_step": 1, "mlp_only_layers": [],
 "head_dim": 128, "hidden_size": 4096, "intermediate_size": 12288, "moe_intermediate_size": 1536,
 "num_attention_heads": 64, "num_key_value_heads": 4, "num_experts": 128, "num_experts_per_tok": 8,
 "num_hidden_layers": 94, "sliding_window": null, "use_sliding_window": false, "vocab_size": 151936}
END
cat >qwen2_moe.json <<'END'
{"model_type": "qwen2_moe", "decoder_sparse_step": 1, "hidden_size": 2048, "intermediate_size": 5632,
 "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632, "num_attention_heads": 16,
 "num_key_value_heads": 16, "num_experts": 60, "num_experts_per_tok": 4, "num_hidden_layers": 24,
 "sliding_window": 32768, "use_sliding_window": false, "vocab_size": 151936}
END
imports() { # MODEL PARAMETERS ACTIVE
    expect 0 "import of $1" model import $1.json -o $1.yaml
    expect 0 "the model $1" model $1.yaml
    says "params                            $2"
    says "params_active                      $3"
}
imports mixtral " 46.703 B" "12.880 B"
imports qwen3_moe "235.094 B" "22.191 B"
imports qwen2_moe " 14.316 B" " 2.689 B"
sed 's/}$/, "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}/' config.json >fp8.json
expect 0 "import of an FP8 checkpoint" model import fp8.json -o fp8.yaml
expect 0 "weights in FP8" model fp8.yaml -f json -o fp8_result.json
check "as the shipped DeepSeek-V3" [ "$(metric fp8_result.json weights)" = "$(metric one.json weights)" ]

refused() { # TITLE TEXT ARGS...; a layout is the command line's
    local title=$1 text=$2 code=3
    shift 2
    [[ $* == *--[tep]p* || $* == *--redundant* ]] && code=2
    expect $code "$title" model "$@"
    tells "$text"
}
told() { # TITLE SED-SCRIPT TEXT: errors stand at keys of the config.json
    sed "$2" "$srcdir/tests/data/hf_deepseek_v3.json" >told.json
    expect 3 "$1" model import told.json -o told.yaml
    tells "$3"
    check "$1: not told of a text that nobody wrote" [ "$(grep -c "error: " err)" = "$(grep -c "^told.json:[0-9]*:[0-9]*: error: " err)" ]
}
told "no layer with experts" 's/"first_k_dense_replace": *[0-9]*/"first_k_dense_replace": 99/' \
    "error: 'first_k_dense_replace' leaves none of 61 layers with experts, and the file has 256"
told "more experts than there are" 's/"num_experts_per_tok": *[0-9]*/"num_experts_per_tok": 999/' \
    "error: 'num_experts_per_tok' makes no model: network 'moe': top_k is from 1 to routed"
told "experts of no width" 's/"moe_intermediate_size": *[0-9]*/"moe_intermediate_size": 0/' "'moe_intermediate_size' must be above 0"
told "no vocabulary" 's/"vocab_size": *[0-9]*/"vocab_size": 0/' "'vocab_size' makes no model"
refused "a model that is none" "did you mean 'deepseek_v3'" deepseek-v3
refused "attention that is none" "did you mean 'mla'" deepseek_v3 -s attention.kind=mlq
refused "a network is no attention" "there is no attention 'moe'" deepseek_v3 -s attention.kind=moe
refused "mha with fewer keys" "fewer are gqa" qwen_72b -s attention.kv_heads=8
refused "groups that do not divide" "groups must divide routed" deepseek_v3 -s moe.groups=7
refused "too many experts for the groups" "hold fewer experts" deepseek_v3 -s moe.top_groups=1 -s moe.top_k=64
refused "a key of another block" "'kv_heads' of 'attention' changes nothing: block 'mla' does not read it" \
    deepseek_v3 -s attention.kv_heads=8
refused "a bias that MLA has not" "'qkv_bias' of 'attention' changes nothing" deepseek_v3 -s attention.qkv_bias=true
refused "decoding that needs another cache" "needs another cache than 'gqa' keeps" llama3.1_70b \
    -s attention.kind=gqa -s attention.decode=mla_absorbed \
    -s attention.kv_lora=512 -s attention.nope_dim=128 -s attention.rope_dim=64 -s attention.v_dim=128
refused "a block that no layer has" "no layer has block 'w'" deepseek_v3 -s blocks.w.window=128
refused "a pattern of unknown blocks" "'w' in a pattern is attention, moe, dense, none" deepseek_v3 -s attention_pattern='w'
refused "a pattern that does not close" "a ')' is missing" deepseek_v3 -s attention_pattern='(attention'
refused "a pattern of too many layers" "more layers than the model has" deepseek_v3 -s attention_pattern='attention*62'
expect 0 "keys of a file that an option lets rest" model deepseek_v3 -s attention.kind=gqa -s attention.kv_heads=8 \
    -s attention.head_dim=128
says "61 layers of 7168: 3 x gqa + dense_ffn, 58 x gqa + moe"
tells "warning: 'attention.decode' changes nothing: 'mla_absorbed' keeps another cache than 'gqa'"
tells "of 'attention' change nothing: block 'gqa' does not read them"
expect 0 "every fourth layer sees everything" model llama3.1_70b -s attention_pattern='window*3 attention' \
    -s blocks.window.window=1024 -f json -o every_fourth.json
check "the others keep their windows" \
    python3 -c "import json; v = lambda f: json.load(open(f))['metrics']['decode_bytes']['value']
assert abs(v('whole.json') - v('every_fourth.json') - 0.75 * 3072 * 327680) < 1"
refused "a key that is none" "did you mean 'hidden'" deepseek_v3 -s hiden=7168
refused "experts that do not divide" "expert parallelism must divide" deepseek_v3 --ep 48
refused "replicas that do not divide" "must divide the routed and redundant" deepseek_v3 --ep 144 --redundant 31
refused "replicas of a dense model" "no experts to replicate" llama3.1_70b --redundant 2
refused "heads that do not divide" "must divide the heads" deepseek_v3 --tp 3
refused "more stages than layers" "more pipeline stages than layers" deepseek_v3 --pp 62
refused "experts of a dense model" "no experts to divide" llama3.1_70b --ep 2
head -c 200 config.json >cut.json
refused "a config.json that was cut off" "cut.json:" import cut.json
echo '{"num_hidden_layers": 8}' >types.json
printf '{"model_type": "llama",\n "num_hidden_layers": 2, "hidden_size": 8192.5}' >half.json
refused "a type that is missing" "types.json: error: 'model_type' is missing" import types.json
refused "half a width" "half.json:2:26: error: 'hidden_size' is no whole number" import half.json
sed 's/fp8", /squeeze", /' fp8.json >squeezed.json
refused "a quantisation that is unknown" "squeezed.json:5:114: error: 'quantization_config.quant_method' is not known" import squeezed.json
sed 's/_step": 1/_step": 2/' qwen3_moe.json >every_second.json
expect 0 "experts in every second layer" model import every_second.json
says "network_pattern: dense moe"
sed 's/_layers": \[\]/_layers": [5]/' qwen3_moe.json >dense_between.json
expect 0 "a dense layer between others" model import dense_between.json
says "network_pattern: moe*5 dense moe*88"
sed 's/5632, "num_att/5633, "num_att/' qwen2_moe.json >shared.json
expect 0 "a shared expert of another width" model import shared.json
says "shared_ffn: 5633"
echo '{"model_type": "llama4", "text_config": {"hidden_size": 5120}}' >several.json
refused "a model inside of another, without layers" "'num_hidden_layers' is missing" import several.json
echo '[1]' >list.json
refused "a list" "is an object" import list.json
sed 's/"n_group": 8/"n_group": 7/' config.json >groups.json
refused "groups of a config.json" "'n_group' must divide the 256 routed experts" import groups.json
# Given as a model without being imported: one message, which says what reads it.
refused "a config.json as a model" "config.json:1:2: error: this is a config.json of Hugging Face's" config.json
expect 3 "the same in a scenario" run "$srcdir/scenarios/decode_ep144.yaml" -s model=./config.json -s sim.network=bound
tells "write 'moesim model import "
check "one error" [ "$(grep -c 'error:' err)" = 1 ]
# A scenario whose model cannot be says so, and does not compute with it.
for kind in decode_ep144 tpot_bound_h800 serving_disaggregated speculative_mtp eplb_decode_ep144 train_step_2048; do
    expect 3 "$kind of attention that is none" run "$srcdir/scenarios/$kind.yaml" -s llm.attention.kind=mlaa
    case $kind in
    eplb_*) tells "kind expert_balance does not read it" ;;
    *) tells "there is no attention 'mlaa'; did you mean 'mla'?" ;;
    esac
    expect 3 "$kind with more dense layers than layers" run "$srcdir/scenarios/$kind.yaml" -s llm.layers=1
    tells "3 dense layers of 1 layers"
done
check "nothing was written" [ ! -e none.yaml ]
expect 3 "nothing is written" model import list.json -o none.yaml
check "no file" [ ! -e none.yaml ]
expect 2 "no model" model
expect 2 "a change of a table" model --table1 -s layers=3
tells "are about one model"
expect 2 "a layout of an import" model import config.json --pp 4
expect 2 "a table of a model" model deepseek_v3 --table2
tells "leave out 'deepseek_v3'"
expect 4 "a file that is missing" model import nowhere.json
finish
