# src/io/inputs: one line per file
libmoesim_a_SOURCES += src/io/inputs/cluster_file.c src/io/inputs/cluster_file.h
libmoesim_a_SOURCES += src/io/inputs/comm_file.c src/io/inputs/comm_file.h
libmoesim_a_SOURCES += src/io/inputs/float_file.c src/io/inputs/float_file.h
libmoesim_a_SOURCES += src/io/inputs/kernel_table_file.c src/io/inputs/kernel_table_file.h
libmoesim_a_SOURCES += src/io/inputs/kineto.c src/io/inputs/kineto.h
libmoesim_a_SOURCES += src/io/inputs/kineto_build.c
libmoesim_a_SOURCES += src/io/inputs/kineto_comm.c
libmoesim_a_SOURCES += src/io/inputs/kineto_deps.c
libmoesim_a_SOURCES += src/io/inputs/kineto_link.c
libmoesim_a_SOURCES += src/io/inputs/kineto_priv.h
libmoesim_a_SOURCES += src/io/inputs/kineto_rows.c
libmoesim_a_SOURCES += src/io/inputs/kineto_sync.c
libmoesim_a_SOURCES += src/io/inputs/machine_file.c src/io/inputs/machine_file.h
libmoesim_a_SOURCES += src/io/inputs/model_file.c src/io/inputs/model_file.h
libmoesim_a_SOURCES += src/io/inputs/model_import.c
libmoesim_a_SOURCES += src/io/inputs/row_file.c src/io/inputs/row_file.h
