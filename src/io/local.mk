# src/io: one line per file
libmoesim_a_SOURCES += src/io/csv.c src/io/csv.h
libmoesim_a_SOURCES += src/io/hardware.c src/io/hardware.h
libmoesim_a_SOURCES += src/io/json_config.c src/io/json_config.h
libmoesim_a_SOURCES += src/io/json_expr.h
libmoesim_a_SOURCES += src/io/json_expr_eval.c
libmoesim_a_SOURCES += src/io/json_expr_parse.c
libmoesim_a_SOURCES += src/io/json_expr_priv.h
libmoesim_a_SOURCES += src/io/json_stream.c src/io/json_stream.h
libmoesim_a_SOURCES += src/io/kind.h
libmoesim_a_SOURCES += src/io/scenario.c src/io/scenario.h
libmoesim_a_SOURCES += src/io/scenario_keys.c
libmoesim_a_SOURCES += src/io/scenario_reads.c
libmoesim_a_SOURCES += src/io/upgrade.c src/io/upgrade.h
libmoesim_a_SOURCES += src/io/upgrade_rows.c
libmoesim_a_SOURCES += src/io/whole_file.c src/io/whole_file.h

include src/io/inputs/local.mk
include src/io/results/local.mk
include src/io/figures/local.mk
include src/io/sweepdb/local.mk
include src/io/topo/local.mk
include src/io/trace/local.mk
