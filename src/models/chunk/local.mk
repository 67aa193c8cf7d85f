# src/models/chunk: one line per file
libmoesim_a_SOURCES += src/models/chunk/chunk.c src/models/chunk/chunk.h
libmoesim_a_SOURCES += src/models/chunk/chunk_compose.c src/models/chunk/chunk_compose.h
libmoesim_a_SOURCES += src/models/chunk/chunk_kernels.c src/models/chunk/chunk_kernels.h
libmoesim_a_SOURCES += src/models/chunk/chunk_material.c src/models/chunk/chunk_material.h
libmoesim_a_SOURCES += src/models/chunk/chunk_memory.c src/models/chunk/chunk_memory.h
libmoesim_a_SOURCES += src/models/chunk/chunk_trace.c src/models/chunk/chunk_trace.h
libmoesim_a_SOURCES += src/models/chunk/recording.c src/models/chunk/recording.h
