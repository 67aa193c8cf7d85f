# src/sim/flow: one line per file
libmoesim_a_SOURCES += src/sim/flow/flow_check.c
libmoesim_a_SOURCES += src/sim/flow/flow_class.c
libmoesim_a_SOURCES += src/sim/flow/flow_dormant.c
libmoesim_a_SOURCES += src/sim/flow/flow_fill.c
libmoesim_a_SOURCES += src/sim/flow/flow_level.c
libmoesim_a_SOURCES += src/sim/flow/flow_starts.c
libmoesim_a_SOURCES += src/sim/flow/flow_group.c
libmoesim_a_SOURCES += src/sim/flow/flow_heap.c src/sim/flow/flow_heap.h
libmoesim_a_SOURCES += src/sim/flow/flow_net.c src/sim/flow/flow_net.h
libmoesim_a_SOURCES += src/sim/flow/flow_net_impl.h
libmoesim_a_SOURCES += src/sim/flow/flow_own.c
libmoesim_a_SOURCES += src/sim/flow/flow_part.c
libmoesim_a_SOURCES += src/sim/flow/flow_settle.c
libmoesim_a_SOURCES += src/sim/flow/flow_solve.c
libmoesim_a_SOURCES += src/sim/flow/flow_window.c
libmoesim_a_SOURCES += src/sim/flow/net_flow.c src/sim/flow/net_flow.h
