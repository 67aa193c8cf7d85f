# src/kinds/machine: one line per file
libmoesim_a_SOURCES += src/kinds/machine/gemm_cfg.c src/kinds/machine/gemm_cfg.h
libmoesim_a_SOURCES += src/kinds/machine/kv_cfg.c src/kinds/machine/kv_cfg.h
libmoesim_a_SOURCES += src/kinds/machine/single_machine.c src/kinds/machine/single_machine.h
libmoesim_a_SOURCES += src/kinds/machine/single_machine_cfg.c src/kinds/machine/single_machine_cfg.h

kinds += src/kinds/machine/kind_gemm.c
kinds += src/kinds/machine/kind_kv_contention.c
kinds += src/kinds/machine/kind_single_machine.c
