# src/models: one line per file
libmoesim_a_SOURCES += src/models/deepep.c
libmoesim_a_SOURCES += src/models/deepep.h
libmoesim_a_SOURCES += src/models/moe_routing.c
libmoesim_a_SOURCES += src/models/moe_routing.h
libmoesim_a_SOURCES += src/models/eplb.c src/models/eplb.h
libmoesim_a_SOURCES += src/models/expert_load.c src/models/expert_load.h
libmoesim_a_SOURCES += src/models/opgraph.c
libmoesim_a_SOURCES += src/models/opgraph.h
libmoesim_a_SOURCES += src/models/replay.c
libmoesim_a_SOURCES += src/models/replay.h
libmoesim_a_SOURCES += src/models/chunk.c src/models/chunk.h
libmoesim_a_SOURCES += src/models/chunk_compose.c src/models/chunk_compose.h
libmoesim_a_SOURCES += src/models/chunk_trace.c src/models/chunk_trace.h
libmoesim_a_SOURCES += src/models/chunk_material.c src/models/chunk_material.h
libmoesim_a_SOURCES += src/models/trace.h
libmoesim_a_SOURCES += src/models/collectives.c src/models/collectives.h
libmoesim_a_SOURCES += src/models/collective_cfg.c src/models/collective_cfg.h
libmoesim_a_SOURCES += src/models/deepep_ll.c src/models/deepep_ll.h
libmoesim_a_SOURCES += src/models/moe_cfg.c src/models/moe_cfg.h
libmoesim_a_SOURCES += src/models/routing_study_cfg.c src/models/routing_study_cfg.h
libmoesim_a_SOURCES += src/models/fault_study_cfg.c src/models/fault_study_cfg.h src/models/collective_fields.h
libmoesim_a_SOURCES += src/models/tpot_cfg.c src/models/tpot_cfg.h
libmoesim_a_SOURCES += src/models/model.c src/models/model_cfg.c src/models/model.h
libmoesim_a_SOURCES += src/models/balance_cfg.c src/models/balance_cfg.h
libmoesim_a_SOURCES += src/models/decode_parts.c src/models/decode_parts.h
libmoesim_a_SOURCES += src/models/single_machine.c src/models/single_machine.h
libmoesim_a_SOURCES += src/models/single_machine_cfg.c src/models/single_machine_cfg.h
libmoesim_a_SOURCES += src/models/infer_cfg.c src/models/infer_cfg.h
libmoesim_a_SOURCES += src/models/infer_layout.c src/models/infer_layout.h
libmoesim_a_SOURCES += src/models/infer_kernels.c src/models/infer_kernels.h
libmoesim_a_SOURCES += src/models/infer_traffic.c src/models/infer_traffic.h
libmoesim_a_SOURCES += src/models/infer_program.c src/models/infer_program.h
libmoesim_a_SOURCES += src/models/infer_step.c src/models/infer_step.h
libmoesim_a_SOURCES += src/models/infer_bound.c src/models/infer_account.c src/models/infer_account.h
include src/models/blocks/local.mk
include src/models/schedules/local.mk
libmoesim_a_SOURCES += src/models/pipeline.c src/models/pipeline.h
