# src/models: one line per file
libmoesim_a_SOURCES += src/models/op_gains.c src/models/op_gains.h
libmoesim_a_SOURCES += src/models/opgraph.c src/models/opgraph.h
libmoesim_a_SOURCES += src/models/trace.h
libmoesim_a_SOURCES += src/models/trace_set.h

include src/models/chunk/local.mk
include src/models/llm/local.mk
include src/models/comm/local.mk
include src/models/routing/local.mk
