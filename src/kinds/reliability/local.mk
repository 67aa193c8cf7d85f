# src/kinds/reliability: one line per file
libmoesim_a_SOURCES += src/kinds/reliability/reliability.c
libmoesim_a_SOURCES += src/kinds/reliability/reliability.h
libmoesim_a_SOURCES += src/kinds/reliability/reliability_cfg.c
libmoesim_a_SOURCES += src/kinds/reliability/reliability_mc.c

kinds += src/kinds/reliability/kind_reliability.c
