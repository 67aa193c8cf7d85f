# src/hw: one line per file
libmoesim_a_SOURCES += src/hw/cluster.h
libmoesim_a_SOURCES += src/hw/cluster.c
libmoesim_a_SOURCES += src/hw/cost.c src/hw/cost.h
libmoesim_a_SOURCES += src/hw/failures.c src/hw/failures.h
libmoesim_a_SOURCES += src/hw/host.c src/hw/host.h
libmoesim_a_SOURCES += src/hw/ep_constants.c src/hw/ep_constants.h
libmoesim_a_SOURCES += src/hw/ep_tasks.c src/hw/ep_tasks.h
libmoesim_a_SOURCES += src/hw/kernels/kernels.h src/hw/kernels/kernel_cfg.h src/hw/kernels/kernel_cfg.c
libmoesim_a_SOURCES += src/hw/kernels/kernel_names.c src/hw/kernels/kernel_call.c src/hw/kernels/kernel_time.c
libmoesim_a_SOURCES += src/hw/kernels/kernel_gains.c
libmoesim_a_SOURCES += src/hw/kernels/kernel_origins.c src/hw/kernels/kernel_origins.h
libmoesim_a_SOURCES += src/hw/kernels/kernel_table.c src/hw/kernels/kernel_table.h
libmoesim_a_SOURCES += src/hw/kernels/kernel_fit.c src/hw/kernels/kernel_fit.h
libmoesim_a_SOURCES += src/hw/kernels/kernel_report.c src/hw/kernels/kernel_report.h
libmoesim_a_SOURCES += src/hw/kernels/attention_decode.c src/hw/kernels/attention_prefill.c
libmoesim_a_SOURCES += src/hw/kernels/attention_mechanism.h src/hw/kernels/mla.c src/hw/kernels/gqa.c
libmoesim_a_SOURCES += src/hw/kernels/deepgemm_tiles.c src/hw/kernels/deepgemm_tiles.h
libmoesim_a_SOURCES += src/hw/kernels/kernel_doubts.c src/hw/kernels/kernel_doubts.h
libmoesim_a_SOURCES += src/hw/kernels/moe_deepep.c src/hw/kernels/grouped_tiles.c src/hw/kernels/grouped_tiles.h
libmoesim_a_SOURCES += src/hw/kernels/fitted.c src/hw/kernels/fitted.h src/hw/kernels/kernel_like.c src/hw/kernels/kernel_like.h
libmoesim_a_SOURCES += src/hw/kernels/gemm.c src/hw/kernels/mechanism.h
libmoesim_a_SOURCES += src/hw/kernels/kernel.c src/hw/kernels/kernel.h src/hw/kernels/kernel_constants.c
libmoesim_a_SOURCES += src/hw/kernels/kernel_check.c src/hw/kernels/kernel_check.h
libmoesim_a_SOURCES += src/hw/kernels/measured.c src/hw/kernels/measured.h
libmoesim_a_SOURCES += src/hw/kernels/dsa.c src/hw/kernels/mla_bmm.c
libmoesim_a_SOURCES += src/hw/kernels/moe.c src/hw/kernels/moe_load.c src/hw/kernels/moe_load.h
libmoesim_a_SOURCES += src/hw/kernels/residual.c src/hw/kernels/residual.h
libmoesim_a_SOURCES += src/hw/kernels/thin.c src/hw/kernels/thin.h
libmoesim_a_SOURCES += src/hw/kernels/roofline.c src/hw/kernels/roofline.h
libmoesim_a_SOURCES += src/hw/kernels/roofline_gemm.c src/hw/kernels/roofline_attention.c
libmoesim_a_SOURCES += src/hw/machine.c src/hw/machine.h
libmoesim_a_SOURCES += src/hw/nccl_cfg.c src/hw/nccl_cfg.h
libmoesim_a_SOURCES += src/hw/packet.c src/hw/packet.h

include src/hw/formats/local.mk
