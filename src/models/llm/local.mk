# src/models/llm: one line per file
libmoesim_a_SOURCES += src/models/llm/decode_parts.c src/models/llm/decode_parts.h
libmoesim_a_SOURCES += src/models/llm/kernel_writer.c src/models/llm/kernel_writer.h
libmoesim_a_SOURCES += src/models/llm/layer_kernels.c src/models/llm/layer_kernels.h
libmoesim_a_SOURCES += src/models/llm/model.c src/models/llm/model.h
libmoesim_a_SOURCES += src/models/llm/model_cfg.c
libmoesim_a_SOURCES += src/models/llm/model_open.c
libmoesim_a_SOURCES += src/models/llm/pattern.c src/models/llm/pattern.h
libmoesim_a_SOURCES += src/models/llm/precision.c

include src/models/llm/blocks/local.mk
