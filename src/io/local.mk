# src/io: one line per file
libmoesim_a_SOURCES += src/io/scenario.h
libmoesim_a_SOURCES += src/io/result_json.c
libmoesim_a_SOURCES += src/io/result_csv.c
libmoesim_a_SOURCES += src/io/result_text.c
libmoesim_a_SOURCES += src/io/result_explain.c
libmoesim_a_SOURCES += src/io/writers.h
libmoesim_a_SOURCES += src/io/timeline.c src/io/timeline.h
libmoesim_a_SOURCES += src/io/data_find.c
libmoesim_a_SOURCES += src/io/scenario.c
