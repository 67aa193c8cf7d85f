# src/models: one line per file
libmoesim_a_SOURCES += src/models/balance_cfg.c src/models/balance_cfg.h
libmoesim_a_SOURCES += src/models/chunk.c src/models/chunk.h
libmoesim_a_SOURCES += src/models/chunk_compose.c src/models/chunk_compose.h
libmoesim_a_SOURCES += src/models/chunk_kernels.c src/models/chunk_kernels.h
libmoesim_a_SOURCES += src/models/chunk_kernels_attention.c
libmoesim_a_SOURCES += src/models/chunk_kernels_ffn.c
libmoesim_a_SOURCES += src/models/chunk_kernels_priv.h
libmoesim_a_SOURCES += src/models/chunk_material.c src/models/chunk_material.h
libmoesim_a_SOURCES += src/models/chunk_trace.c src/models/chunk_trace.h
libmoesim_a_SOURCES += src/models/fault_study_cfg.c src/models/fault_study_cfg.h
libmoesim_a_SOURCES += src/models/gemm_cfg.c src/models/gemm_cfg.h
libmoesim_a_SOURCES += src/models/infer_cfg.c src/models/infer_cfg.h
libmoesim_a_SOURCES += src/models/kv_cfg.c src/models/kv_cfg.h
libmoesim_a_SOURCES += src/models/moe_cfg.c src/models/moe_cfg.h
libmoesim_a_SOURCES += src/models/opgraph.c src/models/opgraph.h
libmoesim_a_SOURCES += src/models/queueing_cfg.c src/models/queueing_cfg.h
libmoesim_a_SOURCES += src/models/reliability.h
libmoesim_a_SOURCES += src/models/reliability_cfg.c
libmoesim_a_SOURCES += src/models/replay.c src/models/replay.h
libmoesim_a_SOURCES += src/models/requests.c src/models/requests.h
libmoesim_a_SOURCES += src/models/routing_study_cfg.c src/models/routing_study_cfg.h
libmoesim_a_SOURCES += src/models/serving_cfg.c src/models/serving_cfg.h
libmoesim_a_SOURCES += src/models/single_machine_cfg.c src/models/single_machine_cfg.h
libmoesim_a_SOURCES += src/models/tpot_cfg.c src/models/tpot_cfg.h
libmoesim_a_SOURCES += src/models/trace.h
libmoesim_a_SOURCES += src/models/train_cfg.c src/models/train_cfg.h

include src/models/llm/local.mk
include src/models/comm/local.mk
include src/models/routing/local.mk
