#!/bin/bash
# moesim model import: what keys of public configurations mean (sizes as their authors publish them), precision and its
# exceptions, and files that are no model.
. "$srcdir/tests/cli.sh"

# config NAME: keys on standard input, without what all have
config() {
    { printf '{"torch_dtype": "bfloat16", "hidden_act": "silu", "tie_word_embeddings": false,\n'; cat; printf '}\n'; } >$1.json
}
imports() { # NAME TOTAL ACTIVE
    expect 0 "import of $1" model import $1.json -o $1.yaml
    expect 0 "the model $1" model ./$1.yaml
    check "$1: $2 B" grep -q "^params  *$2 B" out
    check "$1: $3 B of a token" grep -q "^params_active  *$3 B" out
}
prints() { # METRIC VALUE
    check "$last: $1 $2" grep -q "^$1  *$2 " out
}
holds() { # TITLE FILE LINE...
    local title=$1 file=$2
    shift 2
    for line in "$@"; do
        check "$title: $line" grep -q -e "^ *$line" $file
    done
}

config sees <<'END'
 "model_type": "qwen2_vl", "vision_config": {"depth": 34, "hidden_size": 1408, "intermediate_size": 5632},
 "text_config": {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 512, "vocab_size": 1000, "intermediate_size": 1024,
 "num_attention_heads": 8, "num_key_value_heads": 8}
END
expect 0 "a model that sees" model import sees.json -o sees.yaml
check "what was left out is counted" grep -q "left out (about 0.81 B parameters in 34 layers that see)" sees.yaml

# --- architectures ----------------------------------------------------------------------------------------------------
config v32 <<'END'
 "model_type": "deepseek_v32", "num_hidden_layers": 61, "hidden_size": 7168, "vocab_size": 129280, "intermediate_size": 18432,
 "first_k_dense_replace": 3, "moe_layer_freq": 1, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8,
 "n_group": 8, "topk_group": 4, "moe_intermediate_size": 2048, "topk_method": "noaux_tc", "num_attention_heads": 128,
 "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
 "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048, "num_nextn_predict_layers": 1,
 "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}
END
imports v32 "671.878" "38.404"
prints kv_per_token "70.272 KB"
config glm <<'END'
 "model_type": "glm_moe_dsa", "num_hidden_layers": 78, "hidden_size": 6144, "vocab_size": 154880, "intermediate_size": 12288,
 "first_k_dense_replace": 3, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "head_dim": 192,
 "moe_intermediate_size": 2048, "num_attention_heads": 64, "q_lora_rank": 2048, "kv_lora_rank": 512,
 "qk_nope_head_dim": 192, "qk_rope_head_dim": 64, "v_head_dim": 256, "index_n_heads": 32, "index_head_dim": 128,
 "index_topk": 2048, "index_topk_freq": 4, "index_skip_topk_offset": 3, "num_nextn_predict_layers": 1
END
imports glm "743.377" "41.251"
prints index_per_token "2.772 KB"
config v4 <<END
 "model_type": "deepseek_v4", "num_hidden_layers": 43, "hidden_size": 4096, "vocab_size": 129280, "expert_dtype": "fp4",
 "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 6, "moe_intermediate_size": 2048,
 "num_hash_layers": 3, "num_attention_heads": 64, "head_dim": 512, "qk_rope_head_dim": 64, "q_lora_rank": 1024,
 "o_groups": 8, "o_lora_rank": 1024, "sliding_window": 128, "hc_mult": 4, "index_n_heads": 64, "index_head_dim": 128,
 "index_topk": 512, "compress_ratios": [0, 0$(printf ', 4, 128%.0s' $(seq 20)), 4, 0],
 "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}
END
imports v4 "284.329" "13.796"
prints kv_per_token "5.536 KB"
holds "V4" v4.yaml "network_pattern: hashed\*3 moe\*40" "compute: w4a8" "shared_weight: 1.000244141 B"
config k3 <<END
 "model_type": "kimi_k3", "text_config": {"model_type": "kimi_linear", "num_hidden_layers": 93, "hidden_size": 7168,
 "vocab_size": 163840, "intermediate_size": 33792, "first_k_dense_replace": 1, "num_experts": 896,
 "num_experts_per_token": 16, "num_shared_experts": 2, "moe_intermediate_size": 3072, "routed_expert_hidden_size": 3584,
 "num_attention_heads": 96, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
 "v_head_dim": 128, "mla_use_output_gate": true, "linear_attn_config": {"num_heads": 96, "head_dim": 128,
 "short_conv_kernel_size": 4, "use_full_rank_gate": true,
 "kda_layers": [$(for i in $(seq 91); do [ $((i % 4)) = 0 ] || echo $i; done | paste -sd,)],
 "full_attn_layers": [$(seq -s, 4 4 92), 93]},
 "quantization_config": {"quant_method": "compressed-tensors", "ignore": ["re:.*self_attn.*", "re:.*shared_experts.*",
  "re:.*mlp\\\\.(gate|up|gate_up|down)_proj.*", "re:.*lm_head.*"], "config_groups": {"group_0": {"targets": ["Linear"],
  "input_activations": null, "weights": {"type": "float", "num_bits": 4, "group_size": 32, "strategy": "group"}}}}}
END
imports k3 "2779.482" "105.361"
prints kv_per_token "27.648 KB"
prints state_per_sequence "434.11 MB"
holds "Kimi K3" k3.yaml "attention_pattern: .attention\*3 full.\*23 full" "latent: 3584" "weight: 0.53125 B" "dense_weight: 2 B" \
    "shared_compute: bf16" "compute: w4a16"
config qwen <<'END'
 "model_type": "qwen3_5_moe", "text_config": {"model_type": "qwen3_5_moe_text", "num_hidden_layers": 48,
 "hidden_size": 3072, "vocab_size": 248320, "full_attention_interval": 4, "head_dim": 256, "num_attention_heads": 32,
 "num_key_value_heads": 2, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
 "linear_num_key_heads": 16, "linear_num_value_heads": 64, "mamba_ssm_dtype": "float32", "num_experts": 256,
 "num_experts_per_tok": 8, "moe_intermediate_size": 1024, "shared_expert_intermediate_size": 1024},
 "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27}, "time_step_limit": [0.0, Infinity], "x": -Infinity, "y": NaN
END
imports qwen "122.112" "9.771"
prints state_per_sequence "150.995 MB"
config nano <<'END'
 "model_type": "nemotron_h", "num_hidden_layers": 52, "hidden_size": 2688, "vocab_size": 131072, "head_dim": 128,
 "hybrid_override_pattern": "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME", "num_attention_heads": 32,
 "num_key_value_heads": 2, "mamba_head_dim": 64, "mamba_num_heads": 64, "n_groups": 8, "ssm_state_size": 128,
 "conv_kernel": 4, "n_routed_experts": 128, "num_experts_per_tok": 6, "moe_intermediate_size": 1856,
 "moe_shared_expert_intermediate_size": 3712, "n_shared_experts": 1, "mlp_hidden_act": "relu2", "intermediate_size": 1856
END
imports nano "31.578" "3.580"
config m25 <<'END'
 "model_type": "minimax_m2", "num_hidden_layers": 62, "hidden_size": 3072, "vocab_size": 200064, "head_dim": 128,
 "num_attention_heads": 48, "num_key_value_heads": 8, "intermediate_size": 1536, "num_local_experts": 256,
 "num_experts_per_tok": 8, "use_routing_bias": true, "shared_intermediate_size": 0
END
imports m25 "228.689" "11.030"
prints kv_per_token "253.952 KB"
config oss <<'END'
 "model_type": "gpt_oss", "num_hidden_layers": 36, "hidden_size": 2880, "vocab_size": 201088, "head_dim": 64,
 "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 2880, "num_local_experts": 128,
 "experts_per_token": 4, "attention_bias": true, "sliding_window": 128, "layer_types": [
END
python3 - <<'END'
import json
text = open("oss.json").read().rsplit("[", 1)[0]
kinds = ["sliding_attention", "full_attention"] * 18
quant = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router"]}
open("oss.json", "w").write(text + json.dumps(kinds) + ', "quantization_config": ' + json.dumps(quant) + "}")
END
imports oss "116.829" "5.712"
holds "gpt-oss" oss.yaml "attention_pattern: attention full" "sinks: true" "weight: 0.53125 B" "compute: bf16"
config scout <<'END'
 "model_type": "llama4_text", "num_hidden_layers": 48, "hidden_size": 5120, "vocab_size": 202048, "head_dim": 128,
 "num_attention_heads": 40, "num_key_value_heads": 8, "intermediate_size": 8192, "intermediate_size_mlp": 16384,
 "num_local_experts": 16, "num_experts_per_tok": 1, "interleave_moe_layer_step": 1, "attention_chunk_size": 8192
END
imports scout "107.770" "17.173"
holds "Llama 4" scout.yaml "attention_pattern: attention\*3 full" "chunk: 8192"
config gemma <<'END'
 "model_type": "gemma4_text", "num_hidden_layers": 30, "hidden_size": 2816, "vocab_size": 262144, "head_dim": 256,
 "global_head_dim": 512, "num_attention_heads": 16, "num_key_value_heads": 8, "num_global_key_value_heads": 2,
 "attention_k_eq_v": true, "sliding_window": 1024, "sliding_window_pattern": 6, "intermediate_size": 2112,
 "enable_moe_block": true, "num_experts": 128, "top_k_experts": 8, "moe_intermediate_size": 704
END
sed 's/"tie_word_embeddings": false/"tie_word_embeddings": true/' gemma.json >tied.json
imports tied "25.233" "3.822"
config mimo <<'END'
 "model_type": "mimo_v2_flash", "num_hidden_layers": 48, "hidden_size": 4096, "vocab_size": 152576, "head_dim": 192,
 "v_head_dim": 128, "num_attention_heads": 64, "num_key_value_heads": 4, "swa_num_attention_heads": 64,
 "swa_num_key_value_heads": 8, "swa_head_dim": 192, "swa_v_head_dim": 128, "sliding_window": 128,
 "add_swa_attention_sink_bias": true, "intermediate_size": 16384, "n_routed_experts": 256, "num_experts_per_tok": 8,
 "moe_intermediate_size": 2048, "hybrid_layer_pattern": [0,1,1,1,1,0,1,1,1,1,1,0,1,1,1,1,1,0,1,1,1,1,1,0,1,1,1,1,1,0,1,1,1,1,1,0,1,1,1,1,1,0,1,1,1,1,1,0],
 "moe_layer_freq": [0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]
END
imports mimo "308.779" "15.446"
prints kv_per_token "23.04 KB"
config longcat <<'END'
 "model_type": "longcat_flash", "num_layers": 28, "hidden_size": 6144, "vocab_size": 131072, "ffn_hidden_size": 12288,
 "expert_ffn_hidden_size": 2048, "n_routed_experts": 512, "zero_expert_num": 256, "moe_topk": 12, "num_attention_heads": 64,
 "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128
END
imports longcat "560.665" "27.955"
python3 - <<'END'
import json
b = lambda n, m, no=False: {"attention": {"n_heads_in_group": n, "no_op": no, "replace_with_linear": False},
                            "ffn": {"ffn_mult": m, "no_op": False, "replace_with_linear": False}}
json.dump({"model_type": "nemotron-nas", "torch_dtype": "bfloat16", "num_hidden_layers": 3, "hidden_size": 8192,
           "vocab_size": 128256, "num_attention_heads": 64, "intermediate_size": None, "tie_word_embeddings": False,
           "block_configs": [b(8, 5.25), b(8, 2.625), b(None, 1.3125, True)]}, open("nas.json", "w"))
END
expect 0 "layers that a search found" model import nas.json -o nas.yaml
holds "searched layers" nas.yaml "attention_pattern: attention\*2 none" "dense_ffn: 28672" "dense_ffn: 14336" "dense_ffn: 7168"
echo '{"model_type": "never_seen", "torch_dtype": "bfloat16", "num_hidden_layers": 2, "hidden_size": 64, "vocab_size": 99,
 "num_attention_heads": 4, "intermediate_size": 128, "rope_theta": 1}' >new.json
expect 0 "a type that is not known, of keys that are" model import new.json
tells "warning: 'model_type' never_seen is not known"
sed 's/"rope_theta"/"memory_layers"/' new.json >newer.json
expect 3 "a type that is not known, of keys that are not" model import newer.json
check "the key" grep -q "newer.json:2:[0-9]*: error: 'memory_layers' is not understood" err

# --- precision --------------------------------------------------------------------------------------------------------
# quantised NAME FORMAT JSON: the dense model with a quantization_config
dense='"model_type": "qwen3", "num_hidden_layers": 4, "hidden_size": 1024, "vocab_size": 1000, "intermediate_size": 4096,
 "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 128'
quantised() {
    echo "$dense, \"quantization_config\": $2" | config q
    expect 0 "$1" model import q.json -o q.yaml
    shift 2
    holds "as written" q.yaml "$@"
}
quantised "FP8, static" '{"quant_method": "fp8", "activation_scheme": "static"}' "weight: 1 B" "compute: fp8_tensor" "other_weight: 2 B"
quantised "FP8 by blocks" '{"quant_method": "fp8", "weight_block_size": [128, 128], "fmt": "e4m3"}' "weight_scale: 4 B" "weight_block: 16384"
quantised "NVFP4" '{"quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_scheme": {"num_bits": 8, "type": "float"},
 "ignore": ["lm_head", "model.layers.0*", "model.layers.*.self_attn*"]}' "weight: 0.5625 B" "compute: nvfp4" "kv_value: 1 B" \
    "network_pattern: dense_2 dense\*3" "dense_weight: 0.5625 B"
quantised "MXFP8" '{"quant_method": "modelopt", "quant_algo": "MXFP8"}' "weight_block: 32" "compute: mxfp8"
quantised "GPTQ" '{"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": true}' "weight: 0.5 B" "compute: w4a16"
quantised "AWQ" '{"quant_method": "awq", "bits": 4, "group_size": 64, "zero_point": true}' "weight_scale: 2.5 B" "weight_block: 64"
quantised "formats by module" '{"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers":
 {"model.layers.0.self_attn.q_proj": {"quant_algo": "FP8"}, "model.layers.1.mlp.gate_proj": {"quant_algo": "NVFP4", "group_size": 16}}}' \
    "network_pattern: dense dense_2 dense" "compute: nvfp4"
quantised "formats by group" '{"quant_method": "compressed-tensors", "config_groups": {"a": {"targets": ["re:.*mlp.*"], "weights":
 {"type": "int", "num_bits": 4, "group_size": 32}, "input_activations": null}, "b": {"targets": ["re:.*attn.*"], "weights": {"type": "float",
 "num_bits": 8, "strategy": "channel"}, "input_activations": {"num_bits": 8, "type": "float", "dynamic": true}}}}' \
    "dense_weight: 0.5625 B" "dense_compute: w4a16" "weight: 1 B" "compute: fp8_tensor"
echo "$dense" | config plain
expect 0 "no quantisation" model import plain.json
says 'precision: "BF16 (torch_dtype); the cache in BF16, as the file does not say"'
sed 's/"torch_dtype": "bfloat16", //' plain.json >silent.json
expect 0 "no precision" model import silent.json
says "assumed: no torch_dtype"
tells "warning: no torch_dtype"
mkdir -p folder
cp plain.json folder/config.json
echo '{"quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16, "exclude_modules": ["lm_head"]}}' \
    >folder/hf_quant_config.json
expect 0 "a folder, with hf_quant_config.json beside" model import folder -o folder.yaml
holds "what stands beside" folder.yaml "weight: 0.5 B" "weight_block: 16" "kv_value: 1 B" 'precision: "NVFP4 weights and activations (hf_quant'
echo '[]' >folder/hf_quant_config.json
expect 3 "no quantisation beside" model import folder
tells "hf_quant_config.json"
for bad in '{"quant_method": "gptq", "bits": 17}' '{"quant_method": "aqlm"}' '{"quant_algo": "NVFP2"}' '"fp8"' \
    '{"quant_method": "fp8", "weight_block_size": [128, 1e300]}' '{"quant_method": "fp8", "kv_cache_scheme": "ternary"}' \
    '{"quant_method": "compressed-tensors", "config_groups": {"a": {"weights": {"num_bits": -4}}}}' \
    '{"quant_algo": "FP8", "ignore": ["re:(?=x)y"]}'; do
    echo "$dense, \"quantization_config\": $bad" | config bad
    expect 3 "precision $bad" model import bad.json
    check "where, and what" grep -q "bad.json:[0-9]*:[0-9]*: error: 'quantization_config" err
done

# --- what is no model, or cannot be imported -----------------------------------------------------------------------------
for key in '"num_attention_heads": -8' '"num_attention_heads": 1e9' '"num_attention_heads": Infinity' '"num_attention_heads": NaN' \
    '"num_attention_heads": "8"'; do
    sed "s/\"num_attention_heads\": 8/$key/" plain.json >bad.json
    expect 3 "$key" model import bad.json
    check "where, and what" grep -q "bad.json:[0-9]*:[0-9]*: error: 'num_attention_heads' is no whole number" err
done
sed 's/"num_hidden_layers": 4/"num_hidden_layers": 9999999/' plain.json >bad.json
expect 3 "ten million layers" model import bad.json
tells "'num_hidden_layers' must be from 1 to 1024"
sed 's/"head_dim": 128/"head_dim": 128, "num_kv_shared_layers": 2/' plain.json >bad.json
expect 3 "layers that share a cache" model import bad.json
tells "error: 'num_kv_shared_layers' layers that use the cache of others are not modelled"
sed 's/"head_dim": 128/"head_dim": 128, "layer_types": ["full_attention", "convolution", "x", "y"]/' plain.json >bad.json
expect 3 "layers of an unknown kind" model import bad.json
tells "'layer_types' has a kind of layer that is not modelled: 'convolution'"
sed 's/"head_dim": 128/"head_dim": 128, "layer_types": ["full_attention"]/' plain.json >bad.json
expect 3 "too few kinds of layers" model import bad.json
tells "'layer_types' has 1 elements for 4 layers"
expect 3 "a trace as a model" model import "$srcdir/tests/data/tiny_kineto.json"
tells "this is a trace"
python3 -c "print('[' * 100000)" >deep.json
expect 3 "brackets without end" model import deep.json
tells "this is no JSON"
{ printf '{"filler": "'; head -c 3000000 /dev/zero | tr '\0' x; printf '",'; tail -c +2 plain.json; } >large.json
expect 0 "three megabytes" model import large.json
finish
