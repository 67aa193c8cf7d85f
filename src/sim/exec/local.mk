# src/sim/exec: one line per file
libmoesim_a_SOURCES += src/sim/exec/exec.c src/sim/exec/exec.h src/sim/exec/exec_impl.h
libmoesim_a_SOURCES += src/sim/exec/exec_link.c
libmoesim_a_SOURCES += src/sim/exec/exec_queues.c
libmoesim_a_SOURCES += src/sim/exec/exec_shares.c
libmoesim_a_SOURCES += src/sim/exec/exec_transfers.c
