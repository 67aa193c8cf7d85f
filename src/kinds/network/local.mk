# src/kinds/network: one line per file
libmoesim_a_SOURCES += src/kinds/network/queueing_flows.c src/kinds/network/queueing_flows.h
libmoesim_a_SOURCES += src/kinds/network/queueing_variants.c src/kinds/network/queueing_variants.h

kinds += src/kinds/network/kind_collective.c
kinds += src/kinds/network/kind_fault_study.c
kinds += src/kinds/network/kind_mixed_traffic.c
kinds += src/kinds/network/kind_moe_exchange.c
kinds += src/kinds/network/kind_node_limited.c
kinds += src/kinds/network/kind_plane_isolation.c
kinds += src/kinds/network/kind_queueing.c
kinds += src/kinds/network/kind_routing_study.c
