# src/sim: one line per file
libmoesim_a_SOURCES += src/sim/critical_path.c src/sim/critical_path.h
libmoesim_a_SOURCES += src/sim/epsilon_error.c src/sim/epsilon_error.h
libmoesim_a_SOURCES += src/sim/engine.h
libmoesim_a_SOURCES += src/sim/event_queue.c src/sim/event_queue.h
libmoesim_a_SOURCES += src/sim/net.c src/sim/net.h
libmoesim_a_SOURCES += src/sim/net_path.c src/sim/net_path.h
libmoesim_a_SOURCES += src/sim/result.h
libmoesim_a_SOURCES += src/sim/sim.h
libmoesim_a_SOURCES += src/sim/sim_run.c
libmoesim_a_SOURCES += src/sim/simgrid_shim.cpp
libmoesim_a_SOURCES += src/sim/xalloc.c src/sim/xalloc.h

include src/sim/exec/local.mk
include src/sim/flow/local.mk
include src/sim/packet/local.mk
include src/sim/bound/local.mk
