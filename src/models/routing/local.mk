# src/models/routing: one line per file
libmoesim_a_SOURCES += src/models/routing/eplb.c src/models/routing/eplb.h
libmoesim_a_SOURCES += src/models/routing/expert_load.c src/models/routing/expert_load.h
libmoesim_a_SOURCES += src/models/routing/moe_routing.c src/models/routing/moe_routing.h
