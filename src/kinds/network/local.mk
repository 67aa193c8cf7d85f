# src/kinds/network: one line per file
libmoesim_a_SOURCES += src/kinds/network/collective_cfg.c src/kinds/network/collective_cfg.h
libmoesim_a_SOURCES += src/kinds/network/collective_fields.h
libmoesim_a_SOURCES += src/kinds/network/fault_study_cfg.c src/kinds/network/fault_study_cfg.h
libmoesim_a_SOURCES += src/kinds/network/jobs.c src/kinds/network/jobs.h
libmoesim_a_SOURCES += src/kinds/network/moe_kernels.c src/kinds/network/moe_kernels.h
libmoesim_a_SOURCES += src/kinds/network/moe_cfg.c src/kinds/network/moe_cfg.h
libmoesim_a_SOURCES += src/kinds/network/queueing_cfg.c src/kinds/network/queueing_cfg.h
libmoesim_a_SOURCES += src/kinds/network/queueing_flows.c src/kinds/network/queueing_flows.h
libmoesim_a_SOURCES += src/kinds/network/queueing_variants.c src/kinds/network/queueing_variants.h
libmoesim_a_SOURCES += src/kinds/network/routing_study_cfg.c src/kinds/network/routing_study_cfg.h

libmoesim_a_SOURCES += src/kinds/network/comm_time.c src/kinds/network/comm_time.h
kinds += src/kinds/network/kind_collective.c
kinds += src/kinds/network/kind_fault_study.c
kinds += src/kinds/network/kind_mixed_traffic.c
kinds += src/kinds/network/kind_moe_exchange.c
kinds += src/kinds/network/kind_node_limited.c
kinds += src/kinds/network/kind_plane_isolation.c
kinds += src/kinds/network/kind_queueing.c
kinds += src/kinds/network/kind_routing_study.c
