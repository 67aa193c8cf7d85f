# src/io/trace: one line per file
libmoesim_a_SOURCES += src/io/trace/trace_calls.c
libmoesim_a_SOURCES += src/io/trace/trace_classes.c src/io/trace/trace_classes.h
libmoesim_a_SOURCES += src/io/trace/trace_clock.c
libmoesim_a_SOURCES += src/io/trace/trace_device.c src/io/trace/trace_device.h
libmoesim_a_SOURCES += src/io/trace/trace_file.c src/io/trace/trace_file.h
libmoesim_a_SOURCES += src/io/trace/trace_file_priv.h
libmoesim_a_SOURCES += src/io/trace/trace_file_read.c
libmoesim_a_SOURCES += src/io/trace/trace_info.c src/io/trace/trace_info.h
libmoesim_a_SOURCES += src/io/trace/trace_messages.c
libmoesim_a_SOURCES += src/io/trace/trace_set.c src/io/trace/trace_set.h
libmoesim_a_SOURCES += src/io/trace/trace_set_info.c
libmoesim_a_SOURCES += src/io/trace/trace_set_priv.h
libmoesim_a_SOURCES += src/io/trace/chakra.h src/io/trace/chakra_write.c
libmoesim_a_SOURCES += src/io/trace/protobuf.c src/io/trace/protobuf.h
