# src/hw: one line per file
libmoesim_a_SOURCES += src/hw/cluster.h
libmoesim_a_SOURCES += src/hw/cluster.c

include src/hw/formats/local.mk
