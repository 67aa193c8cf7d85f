# src/io: one line per file
libmoesim_a_SOURCES += src/io/scenario.h
