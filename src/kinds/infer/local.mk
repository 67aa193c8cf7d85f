# src/kinds/infer: one line per file
libmoesim_a_SOURCES += src/kinds/infer/balance_cfg.c src/kinds/infer/balance_cfg.h
libmoesim_a_SOURCES += src/kinds/infer/infer_account.c src/kinds/infer/infer_account.h
libmoesim_a_SOURCES += src/kinds/infer/infer_amounts.c src/kinds/infer/infer_amounts.h
libmoesim_a_SOURCES += src/kinds/infer/infer_blocks.c src/kinds/infer/infer_blocks.h
libmoesim_a_SOURCES += src/kinds/infer/infer_bound.c
libmoesim_a_SOURCES += src/kinds/infer/infer_cfg.c src/kinds/infer/infer_cfg.h
libmoesim_a_SOURCES += src/kinds/infer/infer_fabric.c src/kinds/infer/infer_fabric.h
libmoesim_a_SOURCES += src/kinds/infer/infer_kernels.c src/kinds/infer/infer_kernels.h
libmoesim_a_SOURCES += src/kinds/infer/infer_kv.c src/kinds/infer/infer_kv.h
libmoesim_a_SOURCES += src/kinds/infer/infer_layout.c src/kinds/infer/infer_layout.h
libmoesim_a_SOURCES += src/kinds/infer/infer_program.c src/kinds/infer/infer_program.h
libmoesim_a_SOURCES += src/kinds/infer/infer_result.c src/kinds/infer/infer_result.h
libmoesim_a_SOURCES += src/kinds/infer/infer_run.c src/kinds/infer/infer_run.h
libmoesim_a_SOURCES += src/kinds/infer/infer_sparse.c
libmoesim_a_SOURCES += src/kinds/infer/infer_step.c src/kinds/infer/infer_step.h
libmoesim_a_SOURCES += src/kinds/infer/infer_traffic.c src/kinds/infer/infer_traffic.h
libmoesim_a_SOURCES += src/kinds/infer/spec_step.c src/kinds/infer/spec_step.h
libmoesim_a_SOURCES += src/kinds/infer/speculative_cfg.c src/kinds/infer/speculative_cfg.h
libmoesim_a_SOURCES += src/kinds/infer/tpot_cfg.c src/kinds/infer/tpot_cfg.h

kinds += src/kinds/infer/kind_expert_balance.c
kinds += src/kinds/infer/kind_inference.c
kinds += src/kinds/infer/kind_speculative.c
kinds += src/kinds/infer/kind_tpot_bound.c
