# src/sim/bound: one line per file
libmoesim_a_SOURCES += src/sim/bound/bound.c src/sim/bound/bound.h
libmoesim_a_SOURCES += src/sim/bound/bound_exchanges.c src/sim/bound/bound_impl.h
libmoesim_a_SOURCES += src/sim/bound/bound_graph.c
